"""What a world needs so that backends may register in Temporal itself."""

from collections.abc import Mapping

from activities.verify import VerifyActivities
from tests.api.fakes import Acme, account_in
from tests.world import World
from vigil.config.accounts import OpenAccount
from vigil.lookup import VerificationLookup
from vigil.registration import Registrar


class Numbered(Acme):
    """A provider whose references begin with `v-`."""

    reference_form = "it begins with v-"

    def normalise_reference(self, raw: object) -> str | None:
        return raw if isinstance(raw, str) and raw.startswith("v-") else None


def accounts_of(world: World) -> Mapping[str, OpenAccount]:
    return {world.account: account_in(world, Numbered(world.account))}


def registrar_of(world: World) -> Registrar:
    return Registrar(accounts_of(world), ("checkout",), world.tracker, world.storage, world.digester)


def verifying(world: World) -> World:
    """Give a world the activities of `Verify`."""
    lookup = VerificationLookup(world.tracker, world.storage, accounts_of(world))
    world.more_activities = VerifyActivities(registrar_of(world), lookup, world.tracker).all
    return world
