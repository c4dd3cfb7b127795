"""Rate and concurrency, with a clock of the test's own."""

import threading

import pytest

from pmc15m.sources.courtesy import Courtesy
from pmc15m.sources.model import Stopped


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_requests_are_spread_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    courtesy = Courtesy(50, 16, clock)
    monkeypatch.setattr(courtesy, "wait", lambda seconds: setattr(clock, "now", clock.now + seconds))
    for _ in range(101):
        with courtesy.turn():
            pass
    assert clock.now == pytest.approx(2.0)


def test_no_burst_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    courtesy = Courtesy(10, 16, clock)
    monkeypatch.setattr(courtesy, "wait", lambda seconds: setattr(clock, "now", clock.now + seconds))
    clock.now = 100
    for _ in range(11):
        with courtesy.turn():
            pass
    assert clock.now == pytest.approx(101)


def test_the_limit_halves_and_grows_slowly() -> None:
    clock = Clock()
    courtesy = Courtesy(0, 16, clock)
    courtesy.went_badly()
    courtesy.went_badly()
    assert courtesy.limit == 8, "one moment is one sign"
    clock.now = 2
    courtesy.went_badly()
    assert courtesy.limit == 4
    for _ in range(20 * 4 - 1):
        courtesy.went_well()
    assert courtesy.limit == 4
    courtesy.went_well()
    assert courtesy.limit == 5
    for second in range(3, 99):
        clock.now = second
        courtesy.went_badly()
    assert courtesy.limit == 1
    for _ in range(10_000):
        courtesy.went_well()
    assert courtesy.limit == 16


def test_no_more_at_once_than_the_limit() -> None:
    courtesy = Courtesy(0, 2)
    together: list[int] = []
    running = 0
    lock = threading.Lock()
    barrier = threading.Barrier(2)

    def ask() -> None:
        nonlocal running
        with courtesy.turn():
            with lock:
                running += 1
                together.append(running)
            barrier.wait(5)
            with lock:
                running -= 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(together) == 2


def test_everybody_who_waits_is_woken_by_a_stop() -> None:
    courtesy = Courtesy(0.001, 1)
    ended: list[bool] = []

    def ask() -> None:
        try:
            with courtesy.turn():
                pass
        except Stopped:
            ended.append(True)

    with courtesy.turn():
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        courtesy.stop()
    for thread in threads:
        thread.join(5)
    assert len(ended) == 3
