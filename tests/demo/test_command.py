"""`python -m pmc15m.demo`."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from pmc15m.demo import DemoTruth
from pmc15m.demo.__main__ import main


def test_generate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(tmp_path / "bucket"), "--count", "1"]) == 0
    assert re.match(
        r"1 article versions in .*bucket, the truth about them in .*bucket.truth.jsonl\n", capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--root", "nowhere"], "no folder to serve"),
        (["serve", "--faults", "nonsense=1"], "write kind"),
        (["serve", "--articles", "nowhere"], "INDEX.csv"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_serve_until_interrupted(truth: DemoTruth) -> None:
    command = [sys.executable, "-m", "pmc15m.demo", "serve", "--root", str(truth.root), "--faults", "slow_down@*.txt=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/PMC-ids.csv.gz", timeout=5).status_code == 200
        assert requests.get(f"{url}/README.txt", timeout=5).status_code == 503
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(5) == 130
