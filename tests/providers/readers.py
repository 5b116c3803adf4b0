"""The reader of every provider, with a fake of its API: what all of them promise is tested once."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from tests.providers.id360 import fake_id360
from tests.providers.id360 import samples as id360
from tests.providers.identomat import samples as identomat
from tests.providers.identomat.fake_identomat import FakeIdentomat
from tests.providers.raw_server import RawServer, SteadyClock, TokenServer, json_response
from tests.providers.signicat import fake_signicat
from tests.providers.signicat import samples as signicat
from tests.providers.smile_id.v1 import fake_smile_id as fake_smile_v1
from tests.providers.smile_id.v1 import samples as smile_v1
from tests.providers.smile_id.v3 import fake_smile_id as fake_smile_v3
from tests.providers.smile_id.v3 import samples as smile_v3
from vigil.domain.snapshot import ReadRequest
from vigil.providers.contract import Reader
from vigil.providers.id360.reader import Id360Reader
from vigil.providers.identomat.reader import IdentomatReader
from vigil.providers.signicat.assure import AssureApi
from vigil.providers.signicat.reader import SignicatReader
from vigil.providers.smile_id.links import Links
from vigil.providers.smile_id.v1.reader import SmileV1Reader
from vigil.providers.smile_id.v3.login import create_login
from vigil.providers.smile_id.v3.reader import SmileV3Reader


@dataclass(frozen=True)
class ReaderCase:
    """One reader. `server` builds a fake that answers a read of `request` at `path` with `word`."""

    name: str
    server: Callable[[], RawServer]
    build: Callable[[str, httpx.AsyncClient, SteadyClock], Reader]
    request: ReadRequest
    path: str
    word: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TokenCase(ReaderCase):
    """A reader that logs in at `login`, whose answer has the token in `token_field`."""

    server: Callable[[], TokenServer]
    login: str
    token_field: str


def _id360_server() -> TokenServer:
    fake = fake_id360.FakeId360()
    fake.reports[id360.QUESTION.key.reference] = json_response(id360.report())
    return fake


def _signicat_server() -> TokenServer:
    fake = fake_signicat.FakeSignicat()
    fake.held[signicat.PLACE] = json_response(signicat.process())
    return fake


def _signicat_reader(base_url: str, http: httpx.AsyncClient, clock: SteadyClock) -> Reader:
    settings = signicat.settings(base_url=base_url)
    return SignicatReader(settings, AssureApi(settings, http, clock=clock))


def _smile_v3_server() -> TokenServer:
    fake = fake_smile_v3.FakeSmileId()
    fake.held[f"/v3/status/{smile_v3.JOB}"] = json_response(smile_v3.status())
    return fake


def _smile_v3_reader(base_url: str, http: httpx.AsyncClient, clock: SteadyClock) -> Reader:
    settings = smile_v3.settings(base_url=base_url)
    return SmileV3Reader(settings, http, create_login(settings, http, clock), Links(settings, http))


def _identomat_server() -> RawServer:
    fake = FakeIdentomat()
    fake.results[identomat.SESSION] = json_response(identomat.result())
    return fake


def _smile_v1_server() -> RawServer:
    fake = fake_smile_v1.FakeSmileId(smile_v1.PARTNER, smile_v1.KEY)
    fake.jobs[smile_v1.USER, smile_v1.JOB] = smile_v1.frame(smile_v1.result("0814"))
    return fake


def _smile_v1_reader(base_url: str, http: httpx.AsyncClient, clock: SteadyClock) -> Reader:
    settings = smile_v1.settings(base_url=base_url)
    return SmileV1Reader(settings, http, Links(settings, http))


WITH_TOKEN = [
    TokenCase(
        "id360",
        _id360_server,
        lambda base_url, http, clock: Id360Reader(id360.settings(base_url=base_url), http, clock=clock),
        id360.QUESTION,
        "/api/1.0.0/enrollment/700102/report",
        "OK",
        fake_id360.LOGIN,
        "token",
    ),
    TokenCase(
        "signicat",
        _signicat_server,
        _signicat_reader,
        signicat.QUESTION,
        "/assure" + signicat.PLACE,
        "accepted",
        fake_signicat.CURRENT_LOGIN,
        "access_token",
    ),
    TokenCase(
        "smile_id v3",
        _smile_v3_server,
        _smile_v3_reader,
        smile_v3.QUESTION,
        f"/v3/status/{smile_v3.JOB}",
        "clear",
        fake_smile_v3.LOGIN,
        "token",
    ),
]

READERS = [
    *WITH_TOKEN,
    ReaderCase(
        "identomat",
        _identomat_server,
        lambda base_url, http, clock: IdentomatReader(identomat.settings(base_url=base_url), http),
        identomat.QUESTION,
        "/result/",
        "approved",
    ),
    ReaderCase(
        "smile_id v1",
        _smile_v1_server,
        _smile_v1_reader,
        smile_v1.question(),
        "/v1/job_status",
        "0814",
    ),
]
