"""The guard of tests/offline: no other machine is reached, neither from here nor from a process started here."""

import asyncio
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from pmc15m.config import NetworkConfig
from pmc15m.sources.model import FetchError, Reason
from pmc15m.sources.stores import HttpStore
from tests.offline import AnotherMachine

NOWHERE = "203.0.113.1"  # RFC 5737: were the guard broken, nobody would answer


def tcp(family: int = socket.AF_INET) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(0.1)
    return made


def send_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"x", (NOWHERE, 53))


def connect(host: str, family: int = socket.AF_INET) -> None:
    with tcp(family) as made:
        made.connect((host, 80))


def connect_ex() -> None:
    with tcp() as made:
        made.connect_ex((NOWHERE, 80))


@pytest.mark.parametrize(
    "reach",
    [
        lambda: connect(NOWHERE),
        lambda: connect("2001:db8::1", socket.AF_INET6),
        connect_ex,
        send_a_datagram,
        lambda: socket.create_connection((NOWHERE, 80), 0.1),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.getaddrinfo("127.0.0.1.example.org", 443),
        lambda: socket.getaddrinfo(b"example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: socket.gethostbyaddr(NOWHERE),
        lambda: socket.getnameinfo((NOWHERE, 80), 0),
        lambda: urllib.request.urlopen(f"http://{NOWHERE}/", timeout=0.1),
        lambda: asyncio.run(asyncio.open_connection(NOWHERE, 80)),
    ],
)
def test_another_machine_is_out_of_reach(reach: Callable[[], object]) -> None:
    with pytest.raises(AnotherMachine, match="this machine only"):
        reach()


def test_no_test_takes_it_for_a_network_that_is_down(tmp_path: Path) -> None:
    store = HttpStore(f"http://{NOWHERE}", NetworkConfig(requests_per_s=0, attempts=1), tmp_path)
    with pytest.raises(AnotherMachine):
        store.get("key", limit=100)
    store.close()


def test_an_unknown_host_can_still_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("bucket.invalid", 443)
    store = HttpStore("http://bucket.invalid", NetworkConfig(requests_per_s=0, attempts=1), tmp_path)
    with pytest.raises(FetchError) as raised:
        store.get("key", limit=100)
    assert raised.value.reason is Reason.CONNECTION
    store.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_there(host: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection((host, listener.getsockname()[1]), 5) as asking,
        listener.accept()[0] as answering,
    ):
        asking.sendall(b"hello")
        assert answering.recv(5) == b"hello"


def test_sockets_in_the_file_system_are_no_network(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as asking:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        asking.connect(str(tmp_path / "socket"))


def test_a_thread_is_held_too() -> None:
    raised: list[BaseException] = []

    def reach() -> None:
        try:
            connect(NOWHERE)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=reach)
    thread.start()
    thread.join()
    assert [type(error) for error in raised] == [AnotherMachine]


def test_a_process_that_a_test_starts_is_held_too() -> None:
    script = f"import socket\ntry:\n    socket.create_connection(('{NOWHERE}', 80), 0.1)\nexcept Exception:\n    pass"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "AnotherMachine" in ran.stderr
