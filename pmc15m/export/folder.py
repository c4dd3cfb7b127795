"""Formats in which every picture is a file: JSONL, CSV and TSV beside them, LLaVA's conversations, articles a line.

Pictures lie in `<split>/<shard>/<key>.<extension>`. What is said of them stands in one file a split, written when all
shards are there, from their side tables alone: one after another, so that memory holds one.

    jsonl     <split>/metadata.jsonl      `datasets` opens the folder as an imagefolder
    csv, tsv  <split>.csv, <split>.tsv    open_clip's csv type: columns filepath and title, then the others;
              <split>/metadata.parquet    the same for `datasets`, typed
    llava     <split>.json                a list of conversations, as LLaVA and LLaVA-Med read it
    articles  <split>.jsonl               one line an article with its figures, as PMC-15M's own pipeline wrote it
"""

import contextlib
import csv
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from pmc15m.export.columns import flat, schema
from pmc15m.export.picture import Picture
from pmc15m.export.recipes import Recipe
from pmc15m.workspace import atomic

Row = Mapping[str, Any]


def write_pictures(folder: Path, samples: Iterable[tuple[Row, Picture]]) -> None:
    """Bring the pictures in a shard's folder up to date; they are on disk when this returns.

    Those that are there already stay untouched: what copies the folder elsewhere then copies what changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    others = {path.name for path in folder.iterdir()}
    for sample, picture in samples:
        path = folder / f"{sample['pair_key']}.{picture.extension}"
        if path.name not in others or path.read_bytes() != picture.content:
            path.write_bytes(picture.content)
        others.discard(path.name)
    for name in others:
        (folder / name).unlink()
    os.sync()  # one for thousands of small files


def write_split(
    folder: Path, kind: str, split: str, shards: Iterable[Sequence[Row]], recipe: Recipe, columns: Sequence[str]
) -> list[str]:
    """Write the files of a split; their names below `folder`.

    `shards` yields, shard by shard, samples with all columns (`Order.sample`), and `path`: the picture's below the
    split's folder. `columns` are those that are told.
    """
    names = ("pair_key", "text", *columns)
    if kind == "jsonl":
        with _text(folder / split / "metadata.jsonl") as file:
            for row in itertools.chain.from_iterable(shards):
                told = flat({name: row[name] for name in names})
                file.write(json.dumps({"file_name": row["path"], **told}, ensure_ascii=False) + "\n")
        return [f"{split}/metadata.jsonl"]
    if kind in ("csv", "tsv"):
        return _write_tables(folder, kind, split, shards, columns)
    if kind == "llava":
        with _text(folder / f"{split}.json") as file:
            for position, row in enumerate(itertools.chain.from_iterable(shards)):
                file.write("[\n" if position == 0 else ",\n")
                told = _conversation(row, f"{split}/{row['path']}", recipe, columns)
                file.write(json.dumps(told, ensure_ascii=False))
            file.write("\n]\n")
        return [f"{split}.json"]
    with _text(folder / f"{split}.jsonl") as file:
        for article in itertools.chain.from_iterable(map(_articles, shards)):
            file.write(json.dumps(_article(split, article), ensure_ascii=False) + "\n")
    return [f"{split}.jsonl"]


@contextlib.contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield file


def _write_tables(
    folder: Path, kind: str, split: str, shards: Iterable[Sequence[Row]], columns: Sequence[str]
) -> list[str]:
    names = ("pair_key", "text", *columns)
    typed = pa.schema([pa.field("file_name", pa.string()), *schema(columns)])
    listed = folder / split / "metadata.parquet"
    with (
        _text(folder / f"{split}.{kind}") as file,
        atomic(listed) as temporary,
        pq.ParquetWriter(temporary, typed, compression="zstd") as parquet,
    ):
        writer = csv.writer(file, delimiter="," if kind == "csv" else "\t", lineterminator="\n")
        writer.writerow(["filepath", "title", "pair_key", *(name for name in columns if name != "title")])
        for rows in shards:
            for row in rows:
                told = [value for name, value in flat({name: row[name] for name in columns}).items() if name != "title"]
                writer.writerow([f"{split}/{row['path']}", row["text"], row["pair_key"], *told])
            named = [{"file_name": row["path"], **{name: row[name] for name in names}} for row in rows]
            parquet.write_table(pa.Table.from_pylist(named, schema=typed))
    return [f"{split}.{kind}", f"{split}/metadata.parquet"]


def _conversation(row: Row, path: str, recipe: Recipe, columns: Sequence[str]) -> dict[str, Any]:
    """LLaVA's form; the question is told by the pair's key, so that it is the same for ever."""
    number = int.from_bytes(hashlib.md5(row["pair_key"].encode()).digest()[:8])
    question = recipe.questions[number % len(recipe.questions)]
    turns = [("human", f"<image>\n{question}"), ("gpt", recipe.answer.format_map(flat(row)))]
    return {
        "id": row["pair_key"],
        "image": path,
        "conversations": [{"from": speaker, "value": words} for speaker, words in turns],
        "source": flat({name: row[name] for name in columns}),
    }


def _articles(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of a shard, article by article, each article's in the order of their keys."""
    ordered = sorted(rows, key=lambda row: (row["pmcid"], row["version"], row["pair_key"]))
    for _, article in itertools.groupby(ordered, key=lambda row: (row["pmcid"], row["version"])):
        yield list(article)


def _article(split: str, rows: Sequence[Row]) -> dict[str, Any]:
    """An article as the official pipeline wrote it, with more behind: where it had no PubMed id, the PMCID stands."""
    first = rows[0]
    own = first["pmid"] or first["pmcid"]
    figures = [
        {
            "fig_caption": row["text"],
            "fig_id": row["figure_key"],
            "fig_label": row["label"] or "",
            "graphic_ref": f"{split}/{row['path']}",
            "pair_id": f"{own}_{row['pair_key']}",
            **flat({name: row[name] for name in ("file", "section", "mentions", "box", "credit")}),
        }
        for row in rows
    ]
    told = ("doi", "title", "journal", "year", "licence_code", "licence_spdx", "licence_url", "holder", "citation")
    facts = flat({name: first[name] for name in told})
    pmc = first["pmcid"].removeprefix("PMC")
    return {"pmid": first["pmid"] or "", "pmc": pmc, "location": split, **facts, "figures": figures}
