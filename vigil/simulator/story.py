"""What a simulated provider brings along for demonstrations: accounts of ours at it, and stories that it can play."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from vigil.domain.terms import Frozen, Name, ProviderName


class PlayedAccount(Frozen):
    """An account whose provider is played by the simulator.

    In texts `{simulator}`, `{callback_url}` and `{secret}` stand for what is known only when it is set up;
    `secret_at` leads to the secret that the played provider must know, through the account's settings; it is empty
    where nothing proves a callback. `scenario` is part of every scenario, `registration` of every registration.
    """

    name: Name
    provider: ProviderName
    settings: Mapping[str, Any]
    secret_at: tuple[str, ...] = ()
    scenario: Mapping[str, Any]
    registration: Mapping[str, Any] = {}


class Registers(StrEnum):
    """When the backend tells us of the verification, and by what."""

    AT_ONCE = "at_once"
    AFTER_A_CALLBACK = "after_a_callback"
    BY_COORDINATES = "by_coordinates"
    """At once, but all that the backend knows of it are the coordinates that the provider told at its creation."""
    NEVER = "never"


class Story(Frozen):
    """One verification at a played provider.

    `scenario` is what the simulator is asked for, in contract time, and `registration` what our API is told, both
    beside what the account says of every one; `afterwards` is one more callback, sent when the verification is
    complete. `messages_to` is where its messages go, and no other story's. `lasts` is about how long it is, in contract
    time, where it is long: the longest are told first. `expected` holds literals only, never anything that our own code
    computed.
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
