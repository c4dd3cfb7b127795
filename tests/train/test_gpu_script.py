"""The script for a GPU, as far as a CPU goes: what it would say there is not to be found out there."""

import sys

import pytest

from benchmarks import gpu


def test_what_the_script_checks_holds_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only = ("correct", "resume", "figures")
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--tiny", "--only", *only])
    monkeypatch.setattr(gpu, "_timed", lambda take, _: (take(), (1.0, 0.0))[1])
    gpu.main()
    said = capsys.readouterr().out
    assert "FAIL" not in said
    assert said.count("  PASS") == 6
    assert "4 at a time: 4 pictures/s" in said


def test_a_part_that_fails_is_said_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA error: out of luck\nwith more lines")

    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--tiny", "--only", "speed", "loader"])
    monkeypatch.setattr(gpu, "_speed", broken)
    monkeypatch.setattr(gpu, "_loader", lambda *_: print("  loaded"))
    gpu.main()
    said = capsys.readouterr().out
    assert "  FAIL: RuntimeError: CUDA error: out of luck\n" in said
    assert said.endswith("  loaded\n")
