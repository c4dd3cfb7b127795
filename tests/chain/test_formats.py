"""What the formats that are files say, and what `export --verify` finds in an export that was harmed."""

import csv
import functools
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from datasets.exceptions import DataFilesNotFoundError
from PIL import Image

from pmc15m.config import load_config
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.audit import verify_export
from pmc15m.export.stage import export
from pmc15m.workspace import Workspace
from tests.chain.conftest import FLAGS, digests

SPLITS = ("train", "val", "test")


def make(workspace: Path, kind: str, *settings: str) -> Path:
    told = [f"export.format={kind}", f"export.name={kind}", *settings]
    config = load_config(None, [*(flag for flag in FLAGS if flag != "--set"), *told])
    assert export(Workspace(workspace), config, Execution()) is ExitCode.COMPLETE
    return workspace / "export" / kind


@pytest.fixture(scope="module")
def workspace(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("formats") / "copy"
    return Path(shutil.copytree(finished, root, ignore=shutil.ignore_patterns("export")))


def counts(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "export.json").read_text())["samples"]
    return found


def is_picture(path: Path) -> bool:
    with Image.open(path) as image:
        image.load()
        return min(image.size) > 0


def test_conversations_ask_for_a_picture_that_is_there_and_answer_with_its_text(workspace: Path) -> None:
    folder = make(workspace, "llava", "export.recipe=panels")
    for split in SPLITS:
        told = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))
        assert len(told) == counts(folder)[split] > 0
        for conversation in told:
            assert is_picture(folder / conversation["image"])
            asked, answered = conversation["conversations"]
            assert (asked["from"], answered["from"]) == ("human", "gpt")
            assert asked["value"].startswith("<image>\n")
            assert answered["value"].strip()
            assert conversation["source"]["pmcid"] in conversation["id"]
    assert len({turn["conversations"][0]["value"] for turn in told}) > 1, "not one question for all"
    assert verify_export(folder, Workspace(workspace)) is ExitCode.COMPLETE


def test_a_line_is_an_article_with_all_its_figures(workspace: Path) -> None:
    folder = make(workspace, "articles", "export.recipe=", "export.level=figure")
    seen: list[str] = []
    for split in SPLITS:
        articles = [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        assert sum(len(article["figures"]) for article in articles) == counts(folder)[split]
        seen += [article["pmc"] for article in articles]
        for article in articles:
            for figure in article["figures"]:
                assert is_picture(folder / figure["graphic_ref"])
                assert figure["fig_caption"]
                assert figure["fig_id"].startswith(f"PMC{article['pmc']}_")
    assert len(seen) == len(set(seen)), "an article stands once"


def test_a_table_with_tabs_holds_what_the_table_with_commas_holds(workspace: Path) -> None:
    read = {}
    for kind, between in (("csv", ","), ("tsv", "\t")):
        folder = make(workspace, kind, "export.recipe=")
        with (folder / "val.csv" if kind == "csv" else folder / "val.tsv").open(newline="", encoding="utf-8") as file:
            read[kind] = list(csv.DictReader(file, delimiter=between))
        assert len(read[kind]) == counts(folder)["val"]
        assert all(is_picture(folder / row["filepath"]) for row in read[kind])
    assert read["csv"] == read["tsv"]


def test_a_row_is_an_article_with_its_pictures_and_mentions_in_place(workspace: Path) -> None:
    folder = make(workspace, "interleaved", "export.recipe=", "export.pairs_per_shard=60")
    seen: list[str] = []
    cited = 0
    for split in SPLITS:
        paths = sorted((folder / "data").glob(f"{split}-*.parquet"))
        rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
        assert sum(len(row["images"]) for row in rows) == counts(folder)[split] > 0
        seen += [row["pmcid"] for row in rows]
        for row in rows:
            text, places = row["text"], [figure["place"] for figure in row["figures"]]
            assert places == [found.start() for found in re.finditer("<image>", text)]
            for image, figure in zip(row["images"], row["figures"], strict=True):
                assert image["path"].startswith(figure["pair_key"])
                with Image.open(io.BytesIO(image["bytes"])) as picture:
                    assert picture.size == (figure["width"], figure["height"])
                assert text[figure["text_start"] : figure["text_end"]] in captions(workspace)[figure["pair_key"]]
            for mention in row["mentions"]:
                cited += 1
                assert re.search(r"\d", text[mention["start"] : mention["end"]])
                assert mention["figure_key"].startswith(row["pmcid"])
    assert len(seen) == len(set(seen)), "an article stands once"
    assert cited > len(seen)
    assert verify_export(folder, Workspace(workspace)) is ExitCode.COMPLETE


@functools.cache
def captions(workspace: Path) -> dict[str, str]:
    rows = [row for path in (workspace / "pairs").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    return {row["pair_key"]: row["text"] for row in rows}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


HARMS: dict[str, Callable[[Path], None]] = {
    "has other bytes than were written": lambda folder: flip(min(folder.glob("data/train-*.tar"))),
    "train-00000.parquet": lambda folder: flip(folder / ".pmc15m" / "train-00000.parquet"),
    "is missing": lambda folder: min(folder.glob("data/val-*.tar")).unlink(),
    "attribution.csv": lambda folder: (folder / "attribution.csv").write_text("nobody\n"),
}


@pytest.mark.parametrize("said", HARMS)
def test_harm_is_found(workspace: Path, tmp_path: Path, said: str, caplog: pytest.LogCaptureFixture) -> None:
    made = workspace / "export" / "webdataset"
    folder = Path(
        shutil.copytree(
            made if made.exists() else make(workspace, "webdataset", "export.recipe=panels"), tmp_path / "harmed"
        )
    )
    assert verify_export(folder, Workspace(workspace)) is ExitCode.COMPLETE
    caplog.clear()
    HARMS[said](folder)
    assert verify_export(folder, Workspace(workspace)) is ExitCode.INCOMPLETE
    assert said in caplog.text


def test_a_lost_picture_is_found(workspace: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = workspace / "export" / "llava"
    folder = Path(
        shutil.copytree(
            made if made.exists() else make(workspace, "llava", "export.recipe=panels"), tmp_path / "harmed"
        )
    )
    lost = min(path for path in (folder / "test").rglob("*") if path.is_file())
    lost.unlink()
    assert verify_export(folder, Workspace(workspace)) is ExitCode.INCOMPLETE
    assert lost.stem in caplog.text


def test_a_file_that_readers_would_take_for_a_part_is_found(
    workspace: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(make(workspace, "webdataset", "export.recipe=panels"), tmp_path / "harmed"))
    shutil.copyfile(next((folder / "data").glob("*.tar")), folder / "data" / "train-00001-of-00002.tar")
    assert verify_export(folder, Workspace(workspace)) is ExitCode.INCOMPLETE
    assert "train-00001-of-00002.tar is no part of the export" in caplog.text


def test_a_folder_of_ones_own_holds_what_the_workspace_would(workspace: Path, tmp_path: Path) -> None:
    outside = tmp_path / "[0]"  # a pattern, to DuckDB
    ordered = ["export.recipe=", "export.level=figure", "export.name=own"]
    make(workspace, "hf", *ordered)
    make(workspace, "hf", *ordered, f"export.out={outside}")
    assert digests(outside) == digests(workspace / "export" / "own")
    assert verify_export(outside, Workspace(workspace)) is ExitCode.COMPLETE


def test_an_export_of_nothing_is_nothing_to_its_readers(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(workspace, "hf", "export.recipe=", "export.where=n_words < 0", "export.name=nothing")
    folder = made.with_name("nothing")
    assert counts(folder) == {}
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataFilesNotFoundError):  # and not the lists beside
        load_dataset(str(folder), cache_dir=str(folder.parent / "cache"))


def test_a_caption_on_two_sides_is_found(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make(workspace, "hf", "export.recipe=")
    monkeypatch.setattr("pmc15m.export.audit.LONG_CAPTION", 8)  # the miniature PMC's short ones are alike by chance
    assert verify_export(folder, Workspace(workspace)) is ExitCode.INCOMPLETE
    assert "is in train and val" in caplog.text
