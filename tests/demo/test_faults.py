"""Every way in which the imitation misbehaves, seen from the client."""

import hashlib
import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from pmc15m.demo import Bucket, Fault, FaultKind, Server, parse_faults, serve
from pmc15m.demo.faults import choose_fault

BODY = bytes(range(256)) * 40
KEY = "PMC1.1/figure.jpg"


def serve_one(*faults: Fault) -> Server:
    bucket = Bucket()
    bucket.put(KEY, BODY)
    return serve(bucket, faults=faults)


def get(server: Server, timeout: float = 5) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("GET", f"/{KEY}")
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.SLOW_DOWN, 503, b"SlowDown"),
        (FaultKind.INTERNAL_ERROR, 500, b"InternalError"),
        (FaultKind.FORBIDDEN, 403, b"AccessDenied"),
        (FaultKind.NOT_FOUND, 404, b"NoSuchKey"),
    ],
)
def test_an_error_once_and_then_the_object(kind: FaultKind, status: int, code: bytes) -> None:
    with serve_one(Fault(kind, times=1)) as server:
        answered, headers, body = get(server)
        assert (answered, code in body, "Retry-After" in headers) == (status, True, False)
        assert get(server)[::2] == (200, BODY)
        assert [request.fault for request in server.requests] == [kind, None]


def test_slow_down_may_name_the_time() -> None:
    with serve_one(Fault(FaultKind.SLOW_DOWN, retry_after=7)) as server:
        assert get(server)[1]["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RESET, ConnectionResetError),
        (FaultKind.RESET_IN_BODY, ConnectionResetError),
        (FaultKind.TRUNCATED, http.client.IncompleteRead),
        (FaultKind.STALL, http.client.RemoteDisconnected),
        (FaultKind.STALL_IN_BODY, http.client.IncompleteRead),
    ],
)
def test_broken_connections(kind: FaultKind, error: type[Exception]) -> None:
    with serve_one(Fault(kind, times=1, seconds=0.01)) as server:
        with pytest.raises(error):
            get(server)
        assert get(server)[::2] == (200, BODY)


@pytest.mark.parametrize("kind", [FaultKind.STALL, FaultKind.STALL_IN_BODY])
def test_a_stall_outlasts_the_clients_patience_and_ends_with_the_server(kind: FaultKind) -> None:
    started = time.monotonic()
    with serve_one(Fault(kind, seconds=60)) as server, pytest.raises(TimeoutError):
        get(server, timeout=0.02)
    assert time.monotonic() - started < 5


def test_a_drip_is_slow_and_whole() -> None:
    with serve_one(Fault(FaultKind.DRIP, seconds=0.1)) as server:
        started = time.monotonic()
        assert get(server)[::2] == (200, BODY)
        assert time.monotonic() - started >= 0.09


def test_cut_and_wrong_bytes_are_seen_by_the_md5_alone() -> None:
    md5 = hashlib.md5(BODY).hexdigest()
    for kind, length in ((FaultKind.CUT, len(BODY) // 2), (FaultKind.WRONG_BYTES, len(BODY))):
        with serve_one(Fault(kind)) as server:
            status, headers, body = get(server)
            assert (status, len(body), headers["ETag"]) == (200, length, f'"{md5}"')
            assert hashlib.md5(body).hexdigest() != md5


def test_a_web_page_instead_of_a_picture() -> None:
    with serve_one(Fault(FaultKind.HTML)) as server:
        status, headers, body = get(server)
        assert (status, headers["Content-Type"]) == (200, "text/html")
        assert body.startswith(b"<!DOCTYPE html>")


def test_a_body_of_two_gibibytes_takes_no_memory_to_serve() -> None:
    with serve_one(Fault(FaultKind.HUGE)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", f"/{KEY}")
        answer = connection.getresponse()
        assert int(answer.headers["Content-Length"]) == len(BODY) + 2**31
        assert answer.read(len(BODY) + 3) == BODY + bytes(3)
        connection.close()


def test_a_redirect_to_another_host() -> None:
    with serve_one(Fault(FaultKind.REDIRECT)) as server:
        status, headers, _ = get(server)
        assert (status, headers["Location"]) == (307, f"http://127.0.0.2/{KEY}")


def test_faults_meet_only_the_keys_they_name(server: Server) -> None:
    server.faults = (
        Fault(FaultKind.INTERNAL_ERROR, keys="?*prefix=metadata/*"),
        Fault(FaultKind.RESET, keys="*.csv.gz"),
    )
    for path, status in (
        ("/?list-type=2&prefix=metadata/", 500),
        ("/?list-type=2&prefix=PMC7", 200),
        ("/README.txt", 200),
    ):
        assert urllib3.request("GET", server.url + path, retries=False).status == status
    with pytest.raises(urllib3.exceptions.ProtocolError):
        urllib3.request("GET", f"{server.url}/PMC-ids.csv.gz", retries=False)


def test_which_requests_are_hit_does_not_depend_on_threads() -> None:
    def hits(run: Callable[..., object]) -> set[tuple[str, int]]:
        bucket = Bucket()
        for number in range(60):
            bucket.put(f"k{number}", b"body")
        with serve(bucket, faults=[Fault(FaultKind.SLOW_DOWN, probability=0.3)], seed=5) as server:
            pool = urllib3.PoolManager(maxsize=8)
            run(lambda number: pool.request("GET", f"{server.url}/k{number % 60}", retries=False), range(120))
            pool.clear()
            return {(request.key, request.attempt) for request in server.requests if request.fault}

    alone = hits(lambda function, numbers: [function(number) for number in numbers])
    with ThreadPoolExecutor(8) as threads:
        assert hits(lambda function, numbers: list(threads.map(function, numbers))) == alone
    assert 20 < len(alone) < 55


def test_the_share_is_the_one_asked_for() -> None:
    faults = parse_faults("slow_down=0.1")
    hits = [choose_fault(faults, 0, f"key {number}", 1) is not None for number in range(10_000)]
    assert sum(hits) == pytest.approx(1000, abs=5 * 30)
    assert hits != [choose_fault(faults, 1, f"key {number}", 1) is not None for number in range(10_000)]


def test_the_first_rule_that_hits_wins() -> None:
    faults = parse_faults("html@*.xml=1, reset=1x1")
    assert choose_fault(faults, 0, "a.xml", 1) is faults[0]
    assert choose_fault(faults, 0, "a.jpg", 1) is faults[1]
    assert choose_fault(faults, 0, "a.jpg", 2) is None


def test_faults_are_read_from_a_line() -> None:
    assert parse_faults("reset@*.jpg=0.02x1, html=1") == (
        Fault(FaultKind.RESET, "*.jpg", 0.02, 1),
        Fault(FaultKind.HTML),
    )
    assert parse_faults("") == ()


@pytest.mark.parametrize("spec", ["reset", "nonsense=0.1", "reset=2", "reset=0.1xmany"])
def test_a_wrong_line_is_explained(spec: str) -> None:
    with pytest.raises(ValueError, match=r"write kind\[@pattern\]=probability\[xTIMES\]"):
        parse_faults(spec)
