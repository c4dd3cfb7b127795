"""`pmc15m browse` as it is typed."""

import http.client
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmc15m.workspace import Workspace

COMMAND = [sys.executable, "-m", "pmc15m.cli", "browse", "--port", "0", "--workspace"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_answers_and_ends_when_told(workspace: Workspace, number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND, workspace.root], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        host, port = address.removeprefix("http://").removesuffix("/").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", "/pairs")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        connection.close()
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "Traceback" not in said
    assert "leaked" not in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "there is no workspace"),
        (["."], "there is nothing in"),
        ([".", "--port", "65536"], "no port"),
        ([".", "--port", "x"], "no port"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    ran = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 2
    assert complaint in ran.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
