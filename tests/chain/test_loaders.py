"""Exports opened with the tools that people load them with: every pair has its picture, whatever formats are mixed."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import mlcroissant
import pandas
import polars
import pyarrow.parquet as pq
import pytest
import webdataset
from etils import epath

from pmc15m.config import load_config
from pmc15m.engine.stage import Execution
from pmc15m.errors import ExitCode
from pmc15m.export.columns import SAMPLE
from pmc15m.export.stage import export
from pmc15m.workspace import Workspace
from tests.chain.conftest import FLAGS
from train import _torchvision

ARTICLES = "interleaved"
FORMATS = {"webdataset": "webdataset", "hf": "parquet", "jsonl": "imagefolder", "csv": "imagefolder"}


@pytest.fixture(scope="module")
def everything(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pairs of the miniature PMC (JPEG, PNG, TIFF and others as published) in every format that a tool opens."""
    root = tmp_path_factory.mktemp("loaders") / "copy"
    shutil.copytree(finished, root, ignore=shutil.ignore_patterns("export"))
    for kind in (*FORMATS, ARTICLES):
        settings = ["export.recipe=", f"export.format={kind}", f"export.name={kind}", "export.pairs_per_shard=60"]
        config = load_config(None, [*(flag for flag in FLAGS if flag != "--set"), *settings])
        assert export(Workspace(root), config, Execution(workers=2)) is ExitCode.COMPLETE
    return root / "export"


def counts(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "export.json").read_text())["samples"]
    assert sum(found.values()) > 200
    assert len(found) == 3
    return found


# In a process of its own: `datasets` warns, caches and starts threads as it likes.
_LOAD = """
import json, sys
import datasets
datasets.disable_progress_bars()
path, module, cache = sys.argv[1:]
seen = {}
for streaming in (False, True):
    for how, arguments in (("folder", {"path": path}), ("module", {"path": module, "data_dir": path})):
        data = datasets.load_dataset(**arguments, streaming=streaming, cache_dir=cache)
        for split, rows in data.items():
            pictures, texts, keys = 0, 0, set()
            for row in rows:
                picture = row.get("image") or row.get("jpg")
                pictures += picture is not None and min(picture.size) > 0
                texts += bool(row.get("text") or row.get("txt"))
                keys.add(row.get("pair_key") or row.get("__key__"))
            seen[f"{how} {streaming} {split.replace('validation', 'val')}"] = [pictures, texts, len(keys)]
print(json.dumps(seen))
"""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("kind", "module"), FORMATS.items())
def test_hugging_face_datasets_sees_every_picture(everything: Path, kind: str, module: str, tmp_path: Path) -> None:
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", _LOAD, str(everything / kind), module, str(tmp_path / "cache")]
    ran = subprocess.run(command, capture_output=True, text=True, env=offline, timeout=350)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        f"{how} {streaming} {split}": [count] * 3
        for streaming in (False, True)
        for how in ("folder", "module")
        for split, count in counts(everything / kind).items()
    }


_LOAD_ARTICLES = """
import json, sys
import datasets
datasets.disable_progress_bars()
path, cache = sys.argv[1:]
data = datasets.load_dataset(path, cache_dir=cache)
whole = [row for rows in data.values() for row in rows]
assert all(row["text"].count("<image>") == len(row["images"]) > 0 for row in whole)
print(json.dumps(sum(min(picture.size) > 0 for row in whole for picture in row["images"])))
"""


@pytest.mark.timeout(200)
def test_hugging_face_datasets_sees_every_picture_of_an_article(everything: Path, tmp_path: Path) -> None:
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", _LOAD_ARTICLES, str(everything / ARTICLES), str(tmp_path / "cache")]
    ran = subprocess.run(command, capture_output=True, text=True, env=offline, timeout=150)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == sum(counts(everything / ARTICLES).values())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves tars open
def test_webdataset_sees_every_picture(everything: Path) -> None:
    folder = everything / "webdataset"
    for split, count in counts(folder).items():
        tars = sorted(str(path) for path in (folder / "data").glob(f"{split}-*.tar"))
        data = webdataset.WebDataset(tars, shardshuffle=False).decode("pil").to_tuple("jpg", "txt", "json")
        found = [(picture.size, text, facts) for picture, text, facts in data]
        assert len(found) == count
        assert all(size == (facts["width"], facts["height"]) and text for size, text, facts in found)


@pytest.mark.filterwarnings("ignore")  # open_clip and webdataset leave files open, and call what is going away
def test_open_clip_reads_the_tars_and_the_tables(everything: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _torchvision.make_importable()
    from open_clip_train.data import CsvDataset, get_dataset_size, get_wds_dataset

    folder = everything / "webdataset"
    wanted = counts(folder)["val"]
    tars = sorted(str(path) for path in (folder / "data").glob("val-*.tar"))
    assert get_dataset_size("::".join(tars)) == (wanted, len(tars))
    options = SimpleNamespace(
        val_data="::".join(tars), val_num_samples=None, batch_size=8, workers=0, seed=0, world_size=1
    )
    data = get_wds_dataset(options, lambda picture: picture.size, is_train=False, tokenizer=lambda text: [text])
    batches = list(data.dataloader)
    assert sum(len(texts) for _, texts in batches) == wanted
    monkeypatch.chdir(everything / "csv")  # paths in the table start there
    for split, count in counts(everything / "csv").items():
        rows = CsvDataset(f"{split}.csv", lambda picture: picture.size, "filepath", "title", ",", lambda texts: texts)
        found = [rows[place] for place in range(len(rows))]
        assert len(found) == count
        assert all(min(size) > 0 and text for size, text in found)


# A small model in place of ViT-B-32, and the webdataset that open_clip asks for, which says nothing of a shard's end.
_TRAIN = """
import functools, sys
from train import _torchvision
_torchvision.make_importable()
import open_clip, open_clip_train.data
from open_clip_train.main import main
expand = functools.partial(open_clip_train.data.tar_file_expander, eof_value=None)
open_clip_train.data.tar_file_expander = expand
vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
open_clip.factory._MODEL_CONFIGS["ViT-B-32"] = {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text}
main(sys.argv[1:])
"""


def test_open_clip_trains_with_the_command_of_the_readme(everything: Path, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [command] = [line for line in readme.splitlines() if "open_clip_train.main" in line]
    folder = everything / "webdataset" / "data"
    last = len(list(folder.glob("train-*.tar"))) - 1
    shards = str(folder / f"train-{{00000..{last:05d}}}-of-{last + 1:05d}.tar")
    _, _, _, *options = shlex.split(command)
    options[options.index("--train-data") + 1] = shards
    taken = [sys.executable, "-c", _TRAIN, *options, "--logs", str(tmp_path)]
    done = subprocess.run(taken, capture_output=True, text=True, check=True)
    pairs = counts(everything / "webdataset")["train"]
    seen = -(-pairs // 32) * 32  # the last batch is filled
    assert f"{seen}/{seen} (100%)]" in done.stderr


def test_duckdb_pandas_and_polars_read_the_tables(everything: Path) -> None:
    for split, count in counts(everything / "hf").items():
        parts = str(everything / "hf" / "data" / f"{split}-*.parquet")
        [(rows, pictures)] = duckdb.sql(f"SELECT count(*), count(image.bytes) FROM '{parts}'").fetchall()
        assert (rows, pictures) == (count, count)
        read = polars.read_parquet(parts)
        assert read.height == count
        assert read["text"].null_count() == 0
        assert len(pandas.read_csv(everything / "csv" / f"{split}.csv")) == count
        lines = str(everything / "jsonl" / split / "metadata.jsonl")
        assert duckdb.sql(f"SELECT count(DISTINCT file_name) FROM '{lines}'").fetchall() == [(count,)]
    assert len(pandas.read_parquet(everything / "hf" / "data")) == sum(counts(everything / "hf").values())


def test_every_sample_says_where_it_comes_from(everything: Path, finished: Path) -> None:
    rows = [row for path in (everything / "hf" / "data").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert set(rows[0]) == {"image", "pair_key", "text", *SAMPLE.names}
    told = {name for name in SAMPLE.names if any(row[name] not in (None, [], "") for row in rows)}
    unsaid = {"credit", "permissions"}  # of no figure of the miniature PMC
    assert set(SAMPLE.names) - told == unsaid, "every column says something of some sample"
    texts = [path.read_text(encoding="utf-8") for path in everything.glob("jsonl/*/metadata.jsonl")]
    lines = [json.loads(line) for text in texts for line in text.strip().split("\n")]
    kinds: dict[str, set[type]] = {}
    for line in lines:
        for name, value in line.items():
            kinds.setdefault(name, set()).add(type(value))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}, "readers guess from the first rows"
    assert _facts(rows) == _facts(lines)


def _facts(rows: list[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {row["pair_key"]: tuple(row[name] or "" for name in ("text", "pmcid", "doi", "file")) for row in rows}


@pytest.mark.filterwarnings("ignore")  # it parses JSON-LD with what is going away
@pytest.mark.parametrize(
    ("kind", "records"), [("hf", "pairs"), ("jsonl", "pairs"), ("csv", "pairs"), ("webdataset", "text")]
)
def test_croissant_is_valid_and_its_records_are_the_pairs(
    everything: Path, kind: str, records: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It keeps what it unpacks by the name of the tar alone, for all exports of a user.
    unpacked = "mlcroissant._src.operation_graph.operations.extract.EXTRACT_PATH"
    monkeypatch.setattr(unpacked, epath.Path(tmp_path))
    data = mlcroissant.Dataset(jsonld=str(everything / kind / "croissant.json"))
    assert not data.metadata.ctx.issues.errors
    assert len(list(data.records(records))) == sum(counts(everything / kind).values())


def test_pictures_of_several_formats_are_among_them(everything: Path) -> None:
    kinds = {path.suffix for path in everything.glob("jsonl/*/*/*")}
    assert {".jpg", ".png"} <= kinds
