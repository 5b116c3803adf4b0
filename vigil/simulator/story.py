"""What a simulated provider brings for demonstrations: our accounts at it, and stories that it can play."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from vigil.domain.models import StrictModel
from vigil.domain.terms import Name, ProviderName


class SimulatedAccount(StrictModel):
    """An account at a simulated provider.

    The texts `{simulator}`, `{callback_url}`, `{secret}` and `{password}` are replaced when the account is set up.
    `secret_at` is the path in the account's settings to the secret that the provider must know; empty: nothing proves
    a callback. With the password we log in at the provider.
    `scenario` is part of every scenario, `registration` of every registration.
    """

    name: Name
    provider: ProviderName
    settings: Mapping[str, Any]
    secret_at: tuple[str, ...] = ()
    scenario: Mapping[str, Any]
    registration: Mapping[str, Any] = {}


class Registers(StrEnum):
    """When the backend registers the verification, and by what."""

    AT_ONCE = "at_once"
    AFTER_A_CALLBACK = "after_a_callback"
    BY_COORDINATES = "by_coordinates"
    """At once, but the backend knows only the coordinates that the provider returned at the creation."""
    NEVER = "never"


class Story(StrictModel):
    """One verification at a simulated provider, and the end that it must come to.

    `scenario` is what the simulator receives, in contract time, and `registration` what our API receives; both are
    added to those of the account. `afterwards` is one more callback, sent when the verification is complete.
    `messages_to` is the address of its messages, which no other story has. `lasts` is its rough duration in contract
    time, if that is long: the longest stories begin first. `expected` holds literals, never what our code computed.
    """

    account: Name
    sender: Name
    title: str = Field(max_length=40)
    scenario: Mapping[str, Any] = {}
    registration: Mapping[str, Any] = {}
    registers: Registers = Registers.AT_ONCE
    afterwards: Mapping[str, Any] | None = None
    messages_to: str | None = None
    lasts: timedelta = timedelta(0)
    expected: Mapping[str, Any]
