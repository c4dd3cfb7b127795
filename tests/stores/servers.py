"""Two S3 servers that know nothing of each other, processes on loopback with an empty bucket: moto and SeaweedFS."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

BUCKET = "papers"
KEY_ID, SECRET = "reader", "hush-hush-hush"
_START_S = 60


def environment(address: str) -> Mapping[str, str]:
    """What a user of that server has in the environment, by the names that AWS gave them."""
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
    }


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[str]:
    """The address of a server in Python, which holds everything in memory and checks no signature."""
    (port,) = _free_ports(1)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder, f"http://127.0.0.1:{port}") as address:
        requests.put(f"{address}/{BUCKET}", timeout=10).raise_for_status()
        yield address


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:
    """The address of a server in Go, which holds everything in files and checks every signature."""
    identity = {"name": "reader", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    names += ("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    options = {"dir": folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.config": folder / "s3.json", **ports}
    options |= {
        "s3": "true",
        "s3.iam": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
    }
    options |= {"master.volumeSizeLimitMB": 64, "volume.max": 0, "volume.minFreeSpace": 0}
    command = [str(Path(sys.executable).with_name("weed")), "server", *(f"-{key}={it}" for key, it in options.items())]
    with _running(command, folder, f"http://127.0.0.1:{ports['s3.port']}") as address:
        buckets = f"http://127.0.0.1:{ports['filer.port']}/buckets"  # folders of the server's own files
        requests.post(f"{buckets}/{BUCKET}/", timeout=10).raise_for_status()
        yield address


@contextlib.contextmanager
def _running(command: list[str], folder: Path, address: str) -> Iterator[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHONPATH"))}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=outside, stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + _START_S
            while not _answers(address):
                if process.poll() is not None or time.monotonic() > end:
                    pytest.fail((folder / "server.log").read_text(errors="replace")[-2000:])
            yield address
        finally:
            process.kill()
            process.wait()


def _answers(address: str) -> bool:
    try:
        requests.get(address, timeout=2)
    except requests.RequestException:
        time.sleep(0.1)
        return False
    return True


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
