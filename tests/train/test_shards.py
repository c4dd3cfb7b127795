"""An exported split as rows: both layouts, and what is wrong with a bad one."""

import json
import pickle
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.train.drawn_pairs import draw_pair, write_parquet, write_tar, write_webdataset
from train import shards
from train.errors import DataError
from train.order import Order
from train.shards import open_split, tar_index


def test_rows_of_tars_come_in_shard_order(tmp_path: Path) -> None:
    split = open_split(write_webdataset(tmp_path, "train", [3, 2]), "train")
    assert list(split.sizes) == [3, 2]
    assert split.pair(0) == draw_pair(0, "PNG")
    assert split.pair(4) == draw_pair(4, "JPEG")
    assert split.where(4) == "train/00001.tar, pair 1"


def test_rows_of_parquet_come_in_file_order(tmp_path: Path) -> None:
    split = open_split(write_parquet(tmp_path, "train", [4, 2], row_group=3), "train")
    assert list(split.sizes) == [3, 1, 2]  # a unit is a row group
    assert [split.pair(row) for row in range(6)] == [draw_pair(row) for row in range(6)]
    assert split.where(3) == "train-00000-of-00002.parquet, row group 1, row 0"


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (write_webdataset, ["train/99999.tar", "train/100000.tar", "train/1000000.tar"]),
        (write_webdataset, ["train/02.tar", "train/2.tar", "train/10.tar", "train/last.tar"]),
        (write_parquet, [f"data/train-{number}-of-100001.parquet" for number in ("09999", "99999", "100000")]),
    ],
)
def test_shards_come_in_the_order_of_their_numbers(
    tmp_path: Path, write: Callable[[Path, str, list[int]], Path], names: list[str]
) -> None:
    [written] = [path for path in write(tmp_path, "train", [1]).glob("*/*") if path.name != "sizes.json"]
    (tmp_path / "train" / "sizes.json").unlink(missing_ok=True)
    for name in names:
        shutil.copy(written, tmp_path / name)
    written.unlink()
    split = open_split(tmp_path, "train")
    assert [split.where(row).partition(",")[0] for row in range(len(names))] == [
        name.removeprefix("data/") for name in names
    ]


@pytest.mark.parametrize("write", [write_webdataset, write_parquet])
def test_texts_are_the_captions_in_row_order(tmp_path: Path, write: object) -> None:
    split = open_split(write(tmp_path, "train", [3, 2]), "train")  # type: ignore[operator]
    assert list(split.texts()) == [draw_pair(row)[1] for row in range(5)]


def test_hugging_face_calls_val_validation(tmp_path: Path) -> None:
    assert sum(open_split(write_parquet(tmp_path, "validation", [2]), "val").sizes) == 2


def test_without_sizes_json_the_pairs_are_counted(tmp_path: Path) -> None:
    write_webdataset(tmp_path, "train", [3, 2])
    (tmp_path / "train" / "sizes.json").unlink()
    assert list(open_split(tmp_path, "train").sizes) == [3, 2]


def test_a_split_travels_to_a_loader_process(export: Path) -> None:
    split = open_split(export, "train")
    assert pickle.loads(pickle.dumps(split)).pair(30) == split.pair(30)


def test_the_suffix_starts_at_the_first_dot_and_jpg_comes_before_png(tmp_path: Path) -> None:
    write_tar(tmp_path / "train" / "00000.tar", [("jpg", b"jpeg bytes", "α-SMA, ×400\n")])
    assert open_split(tmp_path, "train").pair(0) == (b"jpeg bytes", "α-SMA, ×400")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda train: (train / "00001.tar").unlink(), "lists 00001.tar, which is not there"),
        (lambda train: (train / "00002.tar").write_bytes(b""), "does not list 00002.tar"),
        (lambda train: (train / "sizes.json").write_text("[]"), "is not a JSON object"),
        (lambda train: (train / "sizes.json").write_text('{"00000.tar": 0, "00001.tar": 0}'), "is empty"),
        (lambda train: (train / "sizes.json").write_text('{"00000.tar": 4, "00001.tar": 2}'), "sizes.json says 4"),
        (lambda train: (train / "00000.tar").write_bytes(b"no tar" * 200), "cannot be read as a tar"),
    ],
)
def test_a_broken_export_is_named(tmp_path: Path, break_it: object, message: str) -> None:
    write_webdataset(tmp_path, "train", [3, 2])
    break_it(tmp_path / "train")  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        open_split(tmp_path, "train").pair(0)


def test_a_tar_that_is_cut_short_is_named(tmp_path: Path) -> None:
    write_webdataset(tmp_path, "train", [3])
    tar = tmp_path / "train" / "00000.tar"
    tar.write_bytes(tar.read_bytes()[:-12_000])
    with pytest.raises(DataError, match=r"00000\.tar"):
        open_split(tmp_path, "train").pair(0)


@pytest.mark.parametrize("is_listed", [True, False])
def test_wherever_a_tar_is_cut_it_is_refused(tmp_path: Path, is_listed: bool) -> None:
    write_webdataset(tmp_path, "train", [4])
    tar, sizes = tmp_path / "train" / "00000.tar", tmp_path / "train" / "sizes.json"
    if not is_listed:
        sizes.unlink()
    whole = tar.read_bytes()
    for end in range(0, len(whole.rstrip(b"\0")) + 512, 100):  # 512: the first of the two blocks that are its end
        tar.write_bytes(whole[:end])
        tar_index.cache_clear()
        with pytest.raises(DataError, match=r"00000\.tar"):
            open_split(tmp_path, "train").pair(0)


@pytest.mark.parametrize("harm", [b"\xff", bytes(512)])
def test_a_tar_that_seems_to_end_at_a_damaged_header_is_refused(tmp_path: Path, harm: bytes) -> None:
    write_webdataset(tmp_path, "train", [4])
    (tmp_path / "train" / "sizes.json").unlink()
    tar = tmp_path / "train" / "00000.tar"
    with tarfile.open(tar) as opened:
        header = opened.getmembers()[6].offset  # of the third pair's picture
    content = bytearray(tar.read_bytes())
    content[header : header + len(harm)] = harm
    tar.write_bytes(content)
    with pytest.raises(DataError, match=r"00000\.tar is cut short or damaged after 2 pairs"):
        open_split(tmp_path, "train")


@pytest.mark.parametrize("is_listed", [True, False])
def test_samples_that_lack_something_are_counted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_listed: bool
) -> None:
    write_tar(tmp_path / "train" / "00000.tar", [("jpg", b"a", "one"), ("gif", b"b", "two"), ("bmp", b"c", "three")])
    if is_listed:
        (tmp_path / "train" / "sizes.json").write_text(json.dumps({"00000.tar": 1}))
    split = open_split(tmp_path, "train")
    assert [split.pair(0).text for _ in range(2)] == ["one", "one"]
    assert caplog.text.count("00000.tar: 2 samples have no picture or no text beside it") == 1


def test_a_sample_without_caption_is_not_lost_silently(tmp_path: Path) -> None:
    write_tar(tmp_path / "train" / "00000.tar", [("jpg", b"a", "one"), ("gif", b"b", "two")])
    (tmp_path / "train" / "sizes.json").write_text(json.dumps({"00000.tar": 2}))
    with pytest.raises(DataError, match=r"holds 1 complete pairs, but sizes\.json says 2"):
        open_split(tmp_path, "train").pair(0)


def test_a_missing_folder_and_a_missing_split_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data folder"):
        open_split(tmp_path / "nowhere", "train")
    with pytest.raises(DataError, match="has no train split"):
        open_split(tmp_path, "train")


def test_parquet_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"image": [b"x"], "text": ["y"]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match="no column `image` of struct"):
        open_split(tmp_path, "train")


def test_no_more_row_groups_than_a_window_has_stay_in_memory(tmp_path: Path) -> None:
    pictures = random.Random(0).randbytes(1 << 20)
    rows = [{"image": {"bytes": pictures[n:], "path": f"{n}.jpg"}, "text": "t"} for n in range(40)]
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train-00000-of-00001.parquet", row_group_size=1)
    split = open_split(tmp_path, "train")
    order, before, most = Order(split.sizes, 0, split.units_per_window), pa.total_allocated_bytes(), 0
    for row in order.take(0, 0, order.rows):
        assert split.pair(int(row)).image == pictures[int(row) :]
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 20 << 20  # 16, and what a read takes in passing


def test_a_window_has_fewer_row_groups_where_they_are_large(tmp_path: Path) -> None:
    rows = pa.Table.from_pylist([{"image": {"bytes": bytes(130 << 20), "path": "0.jpg"}, "text": "t"}])
    (tmp_path / "data").mkdir()
    pq.write_table(rows, tmp_path / "data" / "train-00000-of-00001.parquet", use_dictionary=False)
    assert open_split(tmp_path, "train").units_per_window == 7  # 910 MiB


def test_a_tar_that_nobody_indexed_is_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_webdataset(tmp_path, "train", [3, 2])
    pairs = [open_split(folder, "train").pair(row) for row in range(5)]
    walks: list[Path] = []
    walk = shards._walk
    monkeypatch.setattr(shards, "_walk", lambda tar: walks.append(tar) or walk(tar))
    tar_index.cache_clear()
    assert [open_split(folder, "train").pair(row) for row in range(5)] == pairs
    assert walks == []
    write_tar(folder / "train" / "00001.tar", [("jpg", b"other", "pictures"), ("gif", b"b", "c"), ("png", b"a", "b")])
    tar_index.cache_clear()
    assert open_split(folder, "train").pair(3) == (b"other", "pictures")
    assert walks == [folder / "train" / "00001.tar"]


@pytest.mark.parametrize("harm", [b"", b"not numpy", b"\x93NUMPY"])
def test_an_index_that_cannot_be_read_is_made_again(tmp_path: Path, harm: bytes) -> None:
    folder = write_webdataset(tmp_path, "train", [3])
    expected = open_split(folder, "train").pair(2)
    [kept] = (folder / ".pmc15m").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(harm)
    tar_index.cache_clear()
    assert open_split(folder, "train").pair(2) == expected
    assert kept.read_bytes() == whole


def test_an_export_that_cannot_be_written_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_webdataset(tmp_path, "train", [3])

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(shards.files, "write", refuse)
    assert open_split(folder, "train").pair(1) == draw_pair(1, "JPEG")
    assert list((folder / ".pmc15m").iterdir()) == []
