"""A workspace in a store is looked at as one in a folder: pages, pictures, marks."""

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from pmc15m.objects import Objects
from tests.browse.made import fill_browsed
from tests.stores import servers

KEY = "PMC6_1_f001_g01"


def ask(address: str, path: str, mark: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    if mark is None:
        connection.request("GET", path)
    else:
        headers = {"content-type": "application/json", "origin": address}
        connection.request("POST", path, json.dumps(mark), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_pages_and_pictures_come_from_the_store_and_marks_go_there(
    place: str, objects: Objects, tmp_path: Path
) -> None:
    folder = fill_browsed(tmp_path / "folder").root
    for path in (path for path in folder.rglob("*") if path.is_file()):
        objects.put(path.relative_to(folder).as_posix(), path.read_bytes(), None)

    command = [sys.executable, "-m", "pmc15m.cli", "browse", "--port", "0", "--workspace", place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip().removesuffix("/")
        pages = [ask(address, path) for path in ("/pairs", "/figures?sort=worst", f"/things/{KEY}")]
        whole, small = ask(address, f"/pictures/{KEY}"), ask(address, f"/pictures/{KEY}?side=160")
        marked = ask(address, "/marks", {"key": KEY, "verdict": "wrong", "note": "B is A"})
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)

    assert running.returncode == 0, said
    assert [status for status, _ in (*pages, whole, small, marked)] == [200] * 6
    assert all(KEY.encode() in page for _, page in pages)
    at = (folder / "raw" / "00001.tar").read_bytes()
    assert whole[1] in at
    assert whole[1]
    (tmp_path / "small").write_bytes(small[1])
    with Image.open(tmp_path / "small") as picture:
        assert max(picture.size) == 160
    [line] = objects.read("marks.jsonl", 0, 10_000).decode().splitlines()
    assert (json.loads(line)["key"], json.loads(line)["note"]) == (KEY, "B is A")
    assert place in said
    assert servers.SECRET not in said + "".join(page.decode() for _, page in pages)
    kept = (tmp_path / "scratch").rglob("*.tar")
    assert sum(path.stat().st_blocks for path in kept) == 0
