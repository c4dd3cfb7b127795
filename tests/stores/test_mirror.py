"""A folder that stands for a workspace in a store."""

import hashlib
import random
from pathlib import Path

import boto3
import pyarrow as pa
import pytest

from pmc15m.mirror import Mirror, standing_for
from pmc15m.objects import Objects
from pmc15m.workspace import Workspace, leave_to_store, opened, read_fingerprint, read_part, remove, write_part

TAR = bytes(range(250)) * 5000


def workspace(place: str, folder: Path) -> tuple[Workspace, Mirror]:
    mirror = standing_for(place, folder)
    mirror.pull()
    return Workspace(folder), mirror


def part(value: int) -> pa.Table:
    return pa.table({"x": [value]})


def test_a_part_of_two_writers_is_the_first_ones_and_the_second_is_told(place: str, tmp_path: Path) -> None:
    one, _ = workspace(place, tmp_path / "one")
    other, _ = workspace(place, tmp_path / "other")
    write_part(one.part("pairs", "00000"), part(1), "of one")
    with pytest.raises(FileExistsError, match="changed by somebody else"):
        write_part(other.part("pairs", "00000"), part(2), "of another")
    assert not other.part("pairs", "00000").exists()
    third, _ = workspace(place, tmp_path / "third")
    assert read_part(third.part("pairs", "00000")) == part(1)
    write_part(third.part("pairs", "00000"), part(3), "of who knew what was there")
    with pytest.raises(FileExistsError):
        write_part(one.part("pairs", "00000"), part(4), "of who did not")


def test_only_what_changed_is_copied_again(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = workspace(place, tmp_path / "one")
    for shard in ("00000", "00001", "00002"):
        write_part(one.part("pairs", shard), part(1), "a")
    other, mirror = workspace(place, tmp_path / "other")
    write_part(one.part("pairs", "00001"), part(2), "b")
    remove(one.part("pairs", "00002"))
    copied: list[str] = []
    get = Objects.get
    monkeypatch.setattr(Objects, "get", lambda self, key, path: (copied.append(key), get(self, key, path))[1])
    mirror.pull()
    assert copied == ["pairs/00001.parquet"]
    assert other.shards("pairs") == ["00000", "00001"]
    assert read_fingerprint(other.part("pairs", "00001")) == "b"


def test_a_bucket_that_keeps_versions_is_copied_once(
    server: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = Path(place).name
    store = boto3.client("s3", endpoint_url=server)  # keys are where obstore has them
    store.create_bucket(Bucket=name)
    store.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    one, mirror = workspace(f"s3://{name}", tmp_path / "one")
    for value in (1, 2):
        write_part(one.part("pairs", "00000"), part(value), str(value))
    monkeypatch.delattr(Objects, "get")
    mirror.pull()
    assert read_part(one.part("pairs", "00000")) == part(2)


def test_a_raw_shard_takes_no_room_and_is_read_in_pieces(place: str, tmp_path: Path) -> None:
    one, mirror = workspace(place, tmp_path / "one")
    tar = one.tar("00000")
    tar.parent.mkdir()
    (tmp_path / "tar").write_bytes(TAR)
    mirror.push(tar, tmp_path / "tar")
    write_part(one.part("raw", "00000"), part(1), "a")
    (tmp_path / "tar").rename(tar)
    leave_to_store(tar)
    other, _ = workspace(place, tmp_path / "other")
    for found in (one, other):
        status = found.tar("00000").stat()
        assert (status.st_size, status.st_blocks) == (len(TAR), 0)
        assert found.read("00000", 1000, 250, hashlib.sha256(TAR[:250]).hexdigest()) == TAR[:250]
        with opened(found.tar("00000")) as file:
            assert file.read() == TAR
    assert [path for path in (tmp_path / "other").iterdir() if path.suffix == ".tmp"] == []


def test_who_reads_on_gets_more_with_fewer_requests_and_who_jumps_what_was_asked_for(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, mirror = workspace(place, tmp_path / "one")
    tar, content = one.tar("00000"), random.Random(1).randbytes(3_000_000)
    tar.parent.mkdir()
    (tmp_path / "tar").write_bytes(content)
    mirror.push(tar, tmp_path / "tar")
    (tmp_path / "tar").rename(tar)
    leave_to_store(tar)
    asked: list[int] = []
    read = Objects.read
    monkeypatch.setattr(Objects, "read", lambda self, key, *span: (asked.append(span[1]), read(self, key, *span))[1])
    pieces = [mirror.read(tar, start, 50_000) for start in range(0, 3_000_000, 60_000)]
    assert pieces == [content[start : start + 50_000] for start in range(0, 3_000_000, 60_000)]
    assert len(asked) <= 5
    asked.clear()
    for start in (2_900_000, 5, 1_700_000, 400_000, 399_999):
        assert mirror.read(tar, start, 1000) == content[start : start + 1000]
    assert asked == [1000] * 4 or asked == [1000] * 5


def test_what_is_of_one_machine_stays_there(place: str, objects: Objects, tmp_path: Path) -> None:
    one, mirror = workspace(place, tmp_path / "one")
    for name in (
        "pairs/.footers",
        "raw/00000.journal",
        "scratch-x.tmp/catalog/catalog.parquet",
        "pmc/x",
        "durations.jsonl",
    ):
        path = one.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("here")
        mirror.push(path, path)
    assert list(objects.listing()) == []


def test_what_others_keep_below_the_same_prefix_is_left_alone(place: str, objects: Objects, tmp_path: Path) -> None:
    objects.put("notes/todo.txt", b"theirs", None)
    objects.put("config.toml.bak", b"theirs", None)
    workspace(place, tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [".pulling", ".store"]
    assert len(list(objects.listing())) == 2


def test_a_file_that_was_lost_here_is_copied_again(place: str, tmp_path: Path) -> None:
    one, mirror = workspace(place, tmp_path / "one")
    write_part(one.part("pairs", "00000"), part(1), "a")
    one.part("pairs", "00000").unlink()
    mirror.pull()
    assert read_part(one.part("pairs", "00000")) == part(1)
