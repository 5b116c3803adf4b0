"""Who stays connected when there is no room for all."""

from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network

from vigil.http_server.connections import Connections
from vigil.http_server.limits import ConnectionLimits


@dataclass(eq=False)
class Peer:
    """A peer that is too slow if a test says so."""

    name: str
    gone: list[str]
    address: str = "192.0.2.1"
    slow: bool = False

    def is_too_slow(self, now: float) -> bool:
        return self.slow

    def abort(self) -> None:
        self.gone.append(self.name)


@dataclass
class Room:
    """Connections of a listener with room for three, two of them from one address."""

    trusted: tuple[str, ...] = ()
    now: float = 0.0
    gone: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = ConnectionLimits(most=3, most_per_peer=2, head_timeout=timedelta(seconds=5))
        networks = [ip_network(each) for each in self.trusted]
        self.all = Connections(limits, networks, count=self.counted.append, clock=lambda: self.now)

    def admit(self, name: str, address: str) -> Peer:
        assert self.all.has_room()
        assert self.all.admit(address)
        peer = Peer(name, self.gone, address)
        self.all.await_request(peer)
        return peer


def test_who_has_owed_a_request_for_the_longest_time_makes_room() -> None:
    room = Room()
    first, second, third = (room.admit(name, address) for name, address in (("1", "a"), ("2", "b"), ("3", "c")))
    room.all.leave(first)  # it has sent its request
    room.all.await_another(second)

    assert not room.all.has_room()
    assert room.gone == ["3"]
    room.all.forget(third.address)
    assert room.all.has_room()
    room.admit("4", "d")
    room.all.await_body(third)
    assert not room.all.has_room()
    assert room.gone == ["3", "4"]


def test_idle_ones_make_room_after_those_that_send_a_body() -> None:
    room = Room()
    first, second, third = (room.admit(name, address) for name, address in (("1", "a"), ("2", "b"), ("3", "c")))
    room.all.await_another(first)
    room.all.await_body(second)
    room.all.await_another(third)

    assert [room.all.has_room() for _ in range(3)] == [False, False, False]
    assert room.gone == ["2", "1", "3"]


def test_nobody_whose_request_is_answered_makes_room() -> None:
    room = Room()
    for name, address in (("1", "a"), ("2", "b"), ("3", "c")):
        room.all.leave(room.admit(name, address))

    assert not room.all.has_room()
    assert room.gone == []


def test_of_one_address_the_oldest_makes_room_and_other_addresses_none() -> None:
    room = Room()
    room.admit("theirs", "b")
    room.admit("1", "a")
    room.admit("2", "a")

    assert room.all.admit("a")
    assert room.gone == ["1"]


def test_an_address_whose_requests_are_all_being_answered_is_refused() -> None:
    room = Room()
    room.all.leave(room.admit("1", "a"))
    room.all.leave(room.admit("2", "a"))

    assert not room.all.admit("a")
    assert (room.gone, room.counted) == ([], ["too_many_from_one_address"])


def test_the_limit_for_one_address_is_not_for_proxies_of_ours() -> None:
    room = Room(trusted=("192.0.2.0/24",))
    for name in ("1", "2", "3"):
        room.all.leave(room.admit(name, "192.0.2.7"))

    assert room.gone == []


def test_who_left_is_forgotten_and_the_listener_is_notified() -> None:
    room, notified = Room(), []
    room.all.when_room = lambda: notified.append("room")
    for _ in range(10):
        room.admit("1", "a")
        room.all.forget("a")

    assert notified == ["room"] * 10
    assert room.all.has_room()


def test_only_those_that_are_too_slow_are_swept() -> None:
    room = Room()
    slow, fast = room.admit("slow", "a"), room.admit("fast", "b")
    slow.slow = True
    room.all.await_body(fast)
    room.all.close_overdue()
    room.all.close_overdue()

    assert (room.gone, room.counted) == (["slow"], ["too_slow"])
