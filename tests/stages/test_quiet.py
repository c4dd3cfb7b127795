"""The stages after the crawl tell nobody anything: no socket, and no file but in the workspace."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from pmc15m.workspace import Workspace
from tests.offline.sockets import CAN_FORBID, forbid_internet
from tests.stages.rawshard import Made, write_raw_shard

pytestmark = pytest.mark.skipif(not CAN_FORBID, reason="seccomp filters are Linux's")
XML = b"""<article xmlns:xlink="http://www.w3.org/1999/xlink"><body><fig id="F1"><label>Figure 1</label>
<caption><p>Two cells. (A) A round cell in a dish. (B) A flat cell on glass.</p></caption>
<graphic xlink:href="f1.png"/></fig></body></article>"""


def figure() -> bytes:
    """Two photographs with printed letters: every network is asked."""
    drawn = Image.new("RGB", (620, 300), "white")
    draw = ImageDraw.Draw(drawn)
    for x, letter in ((0, "A"), (320, "B")):
        drawn.paste(Image.effect_noise((300, 300), 90), (x, 0))
        draw.rectangle((x, 0, x + 26, 30), fill="white")
        draw.text((x + 5, 1), letter, fill="black", font_size=24)
    stream = io.BytesIO()
    drawn.save(stream, "PNG")
    return stream.getvalue()


def run(command: list[str], home: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "ORT_"))}
    environment |= {"HOME": str(home), "TMPDIR": str(home.parent / "tmp")}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, preexec_fn=forbid_internet
    )


def test_a_socket_is_the_end_of_who_opens_it(tmp_path: Path) -> None:
    for family in ("INET", "INET6"):
        assert run(["-c", f"import socket; socket.socket(socket.AF_{family})"], tmp_path).returncode < 0
    assert run(["-c", "import socket; socket.socket(socket.AF_UNIX)"], tmp_path).returncode == 0


def test_the_stages_open_no_socket_and_leave_no_file_behind(tmp_path: Path) -> None:
    workspace, home = Workspace(tmp_path / "data"), tmp_path / "home"
    for folder in (home, tmp_path / "tmp"):
        folder.mkdir()
    for shard in ("00000", "00001"):
        write_raw_shard(workspace, shard, [Made(f"PMC{shard}1", XML, {"f1.png": figure()}, {"license_code": "CC BY"})])
    for stage in ("parse", "split", "curate", "export", "report"):
        command = ["-m", "pmc15m.cli", stage, "--workspace", str(workspace.root), "--workers", "2"]
        ran = run(command, home)
        assert ran.returncode == 0, f"{stage}: {ran.stderr}"
    assert (workspace.root / "report" / "index.html").is_file()
    assert list(home.rglob("*")) + list((tmp_path / "tmp").rglob("*")) == []
    assert {path.name for path in tmp_path.iterdir()} == {"data", "home", "tmp"}
