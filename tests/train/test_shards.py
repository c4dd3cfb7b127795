"""An exported split as rows: both layouts, and what is wrong with a bad one."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.train.drawn_pairs import draw_pair, write_parquet, write_tar, write_webdataset
from train.errors import DataError
from train.shards import open_split


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
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"image": [b"x"], "text": ["y"]}), tmp_path / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match="no column `image` of struct"):
        open_split(tmp_path, "train")
