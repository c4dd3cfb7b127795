"""What an export promises to the loaders that read it."""

import csv
import io
import json
import shutil
import tarfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pmc15m.config import Config, load_config
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.stage import export
from pmc15m.export.state import READS, export_state
from pmc15m.workspace import Workspace, write_part
from tests.chain.conftest import FLAGS, digests
from train.shards import open_split

SET = [flag for flag in FLAGS if flag != "--set"]


def samples(tar: Path) -> dict[str, dict[str, bytes]]:
    """Key to extension to content, as a WebDataset reader groups them; fails when samples are not adjacent."""
    found: dict[str, dict[str, bytes]] = {}
    with tarfile.open(tar) as opened:
        for member in opened:
            key, _, extension = member.name.partition(".")
            if key != next(reversed(found), None):
                assert key not in found
                found[key] = {}
            content = opened.extractfile(member)
            assert content is not None
            found[key][extension] = content.read()
    return found


@pytest.fixture
def exported(finished: Path) -> Path:
    return finished / "export" / "panels"


def test_every_sample_is_a_picture_with_its_text(exported: Path) -> None:
    sizes = json.loads((exported / "data" / "sizes.json").read_text())
    assert sorted(sizes) == sorted(path.name for path in (exported / "data").glob("*.tar"))
    assert {name.partition("-")[0] for name in sizes} == {"train", "val", "test"}
    for name, size in sizes.items():
        found = samples(exported / "data" / name)
        assert len(found) == size > 0
        for key, members in found.items():
            assert list(members) == ["jpg", "txt", "json"]
            facts = json.loads(members["json"])
            assert Image.open(io.BytesIO(members["jpg"])).size == (facts["width"], facts["height"])
            assert members["txt"].decode().strip()
            assert key.startswith(facts["pmcid"])


def test_splits_share_no_article(exported: Path) -> None:
    articles: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "val", "test"):
        for tar in (exported / "data").glob(f"{split}-*.tar"):
            articles[split] |= {key.partition("_")[0] for key in samples(tar)}
    assert not articles["train"] & articles["val"]
    assert not articles["train"] & articles["test"]
    assert not articles["val"] & articles["test"]


def test_neighbours_in_a_shard_are_of_different_articles(exported: Path) -> None:
    keys = list(samples(exported / "data" / "train-00000-of-00001.tar"))
    articles = [key.partition("_")[0] for key in keys]
    assert len(keys) > 3 * len(set(articles)), "an article has many pairs"
    assert sum(left == right for left, right in pairwise(articles)) < len(keys) / 4  # in their order: two thirds


def test_every_article_is_attributed(exported: Path) -> None:
    with (exported / "attribution.csv").open(newline="", encoding="utf-8") as file:
        attributed = {row["pmcid"]: row for row in csv.DictReader(file)}
    used = {key.partition("_")[0] for tar in exported.glob("data/*.tar") for key in samples(tar)}
    assert used == set(attributed)
    assert all(row["title"] and row["licence_code"] is not None for row in attributed.values())


def test_the_card_tells_recipe_funnel_and_licences(exported: Path) -> None:
    card = (exported / "README.md").read_text(encoding="utf-8")
    facts = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    assert f"{sum(facts['samples'].values()):,} figure–caption pairs" in card
    lefts = [row["left"] for row in facts["funnel"]]
    assert lefts[-1] == sum(facts["samples"].values()) + sum(facts["failed"].values())
    assert lefts == sorted(lefts, reverse=True)


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(finished, tmp_path / "copy", ignore=shutil.ignore_patterns("export"))
    return Workspace(tmp_path / "copy")


def config(*overrides: str) -> Config:
    return load_config(None, [*SET, *overrides])


def test_small_shards_make_the_same_samples(copy: Workspace, exported: Path) -> None:
    assert export(copy, config("export.pairs_per_shard=15"), Execution(workers=2)) is ExitCode.COMPLETE
    small = copy.root / "export" / "panels" / "data"
    tars = sorted(small.glob("train-*.tar"))
    assert len(tars) > 3
    one, many = samples(exported / "data" / "train-00000-of-00001.tar"), [samples(tar) for tar in tars]
    assert {key: content for tar in many for key, content in tar.items()} == one
    for tar in many:  # each in the order of the whole
        assert list(tar) == [key for key in one if key in tar]
    assert export(copy, config("export.pairs_per_shard=1000"), Execution()) is ExitCode.COMPLETE
    assert [path.name for path in small.glob("train-*")] == ["train-00000-of-00001.tar"]  # the old ones are gone
    assert export_state(copy, config("export.pairs_per_shard=1000")).todo == ()


def test_all_pairs_of_an_article_are_in_one_shard(copy: Workspace) -> None:
    export(copy, config("export.pairs_per_shard=15"), Execution())
    shards: dict[str, set[str]] = defaultdict(set)
    for tar in (copy.root / "export" / "panels" / "data").glob("*.tar"):
        for key in samples(tar):
            shards[key.partition("_")[0]].add(tar.name)
    assert len(shards) > 10
    assert {len(names) for names in shards.values()} == {1}


def test_a_new_version_of_an_article_takes_the_places_of_the_old_one(copy: Workspace) -> None:
    export(copy, config(), Execution())
    tar = copy.root / "export" / "panels" / "data" / "train-00000-of-00001.tar"
    before = list(samples(tar))
    article = before[0].partition("_")[0]
    for path in (path for table in READS for path in copy.parts(table)):
        part = pq.read_table(path)
        version = pc.if_else(pc.equal(part["pmcid"], article), 2, part["version"]).cast(pa.int32())
        part = part.set_column(part.column_names.index("version"), part.field("version"), version)
        for name in (name for name in part.column_names if name.endswith("_key")):
            keys = pc.replace_substring(part[name], f"{article}_1_", f"{article}_2_")
            part = part.set_column(part.column_names.index(name), part.field(name), keys)
        write_part(path, part, "changed")
    export(copy, config(), Execution())
    assert list(samples(tar)) == [key.replace(f"{article}_1_", f"{article}_2_") for key in before]


def test_a_lost_shard_is_written_again_with_the_same_bytes(copy: Workspace) -> None:
    export(copy, config("export.pairs_per_shard=15"), Execution())
    before = digests(copy.root / "export")
    next((copy.root / "export" / "panels" / "data").glob("train-00001-*.tar")).unlink()
    assert export_state(copy, config("export.pairs_per_shard=15")).missing == ("train/00001",)
    export(copy, config("export.pairs_per_shard=15"), Execution())
    assert digests(copy.root / "export") == before


def test_bytes_that_are_not_there_fail_the_shard_until_they_are(copy: Workspace) -> None:
    tar = copy.tar(copy.shards()[0])
    content = tar.read_bytes()
    tar.write_bytes(b"")
    assert export(copy, config(), Execution()) is ExitCode.INCOMPLETE
    assert export_state(copy, config()).missing
    tar.write_bytes(content)
    assert export(copy, config(), Execution()) is ExitCode.COMPLETE
    assert export_state(copy, config()).todo == ()


def test_hugging_face_parts_hold_pictures(copy: Workspace, exported: Path) -> None:
    export(copy, config("export.format=hf", "export.image_side=64"), Execution())
    folder = copy.root / "export" / "panels-hf"
    parts = sorted((folder / "data").glob("train-*.parquet"))
    assert [part.name for part in parts] == ["train-00000-of-00001.parquet"]
    table = pq.read_table(parts[0])
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert list(features) == table.column_names
    row = table.to_pylist()[0]
    assert max(Image.open(io.BytesIO(row["image"]["bytes"])).size) <= 64
    assert row["image"]["path"].startswith(row["pair_key"])
    assert table.num_rows == json.loads((exported / "export.json").read_text())["samples"]["train"]
    assert "split: validation, path: 'data/val-*.parquet'" in (folder / "README.md").read_text()


def test_the_trainer_finds_every_pair_without_a_walk_over_headers(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, bare = (Path(shutil.copytree(exported, tmp_path / name)) for name in ("told", "bare"))
    shutil.rmtree(bare / ".pmc15m")
    walked = open_split(bare, "train")
    rows = range(sum(walked.sizes))
    expected = [(walked.pair(row), walked.facts(row, "context"), walked.facts(row, "mentions")) for row in rows]
    split = open_split(told, "train")
    kinds = [json.loads(sample["json"])["image_kind"] for sample in samples(split.files[0]).values()]
    assert kinds == split.column("image_kind")[: len(kinds)]
    monkeypatch.setattr(tarfile, "open", lambda **_: pytest.fail("the headers were walked"))
    assert [(split.pair(row), split.facts(row, "context"), split.facts(row, "mentions")) for row in rows] == expected
    assert any(context for _, context, _ in expected)
    assert any(mentions for _, _, mentions in expected)
