import socket
from dataclasses import astuple

import pytest

from vigil.demo.ports import LOOPBACK, Ports, accepts_connections, find_free_ports


def test_free_ports_are_all_different_and_nobody_listens_there() -> None:
    ports = Ports.find_free()

    assert len(set(astuple(ports))) == 6
    assert ports.find_taken() == {}


def test_a_taken_port_is_named_by_the_part_that_needs_it() -> None:
    ports = Ports.find_free()

    with socket.create_server((LOOPBACK, ports.simulator)):
        assert ports.find_taken() == {"simulator": ports.simulator}


def test_an_address_at_which_nobody_listens_accepts_no_connection() -> None:
    [port] = find_free_ports(1)

    assert not accepts_connections(f"{LOOPBACK}:{port}")


@pytest.mark.parametrize("address", ["no-port", "127.0.0.1:port", "127.0.0.1:99999999"])
def test_what_is_no_address_accepts_no_connection(address: str) -> None:
    assert not accepts_connections(address)
