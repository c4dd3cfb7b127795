"""Articles with their figures in place: Parquet with one row an article, to train on pictures amid text.

`text` is the article as its XML has it (`jats.body`), with the sign `<image>` where a picture stands and its caption
behind; `images` are the pictures in the order of the signs, `figures` says of each where it and its caption stand,
`mentions` where the text cites figures. All places are characters of `text`. Of a figure without a pair in the export
there is neither sign nor caption; its mentions are there.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pmc15m.checksum import read_rows
from pmc15m.export.columns import IMAGE, KEY_AND_TEXT, SAMPLE, features
from pmc15m.export.huggingface import write_rows
from pmc15m.export.picture import Picture
from pmc15m.jats import Block, BlockKind, parse_article
from pmc15m.schema import figure_key
from pmc15m.workspace import Workspace

SIGN = "<image>"
_NO_SIGN = "(image)"  # of the same length, where an article writes the sign
_APART = "\n\n"
_OF_ARTICLE = {
    *("pmcid", "version", "pmid", "doi", "title", "journal", "year", "article_type", "citation", "licence_code"),
    *("licence_spdx", "licence_url", "licence_group", "holder", "split"),
}
_IN_MENTIONS = {"mentions"}  # of a picture: where they stand says `mentions` of the row
Key = tuple[str, int]  # pmcid, version


def _field(name: str, kind: pa.DataType, comment: str) -> pa.Field:
    return pa.field(name, kind, metadata={"comment": comment})


_PLACES = [pa.field(name, pa.int32()) for name in ("place", "text_start", "text_end")]
_MENTION = pa.struct(
    [
        *(pa.field(name, pa.int32()) for name in ("start", "end")),
        pa.field("figure_key", pa.string()),
        pa.field("panels", pa.list_(pa.string())),
    ]
)


def interleaved_schema(columns: Sequence[str]) -> pa.Schema:
    """A row's columns, with comments: the chosen ones that are an article's, the others within `figures`."""
    of_picture = [SAMPLE.field(name) for name in columns if name not in _OF_ARTICLE | _IN_MENTIONS]
    figure = pa.struct([field.remove_metadata() for field in (KEY_AND_TEXT[0], *_PLACES, *of_picture)])
    told = ", ".join(field.name for field in of_picture)
    return pa.schema(
        [
            _field("images", pa.list_(IMAGE), f"the pictures, in the order of the signs {SIGN} in the text"),
            _field("text", pa.string(), f"the article, {SIGN} where a picture stands, its caption behind"),
            _field("figures", pa.list_(figure), f"of each picture: its places in the text; {told}"),
            _field("mentions", pa.list_(_MENTION), "where the text cites a figure, and which panels of it"),
            *(SAMPLE.field(name) for name in columns if name in _OF_ARTICLE),
        ]
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the XML of an article lies."""

    shard: str
    offset: int
    size: int
    sha256: str


def find_xml(workspace: Workspace, articles: Mapping[Key, str]) -> dict[Key, Stored]:
    """Where the XML of some articles lies, given their raw shards. Raises `DamageError`."""
    found = {}
    by_shard = itertools.groupby(sorted(articles, key=articles.__getitem__), key=articles.__getitem__)
    for shard, keys in by_shard:
        wanted = set(keys)
        index = read_rows(workspace.part("raw", shard), ["pmcid", "version", "role", "offset", "size", "sha256"])
        for row in index.filter(pc.field("role") == "xml").to_pylist():
            if (key := (row["pmcid"], row["version"])) in wanted and row["offset"] is not None:
                found[key] = Stored(shard, row["offset"], row["size"], row["sha256"])
    return found


def write_interleaved(
    path: Path,
    workspace: Workspace,
    samples: Iterable[tuple[Mapping[str, Any], Picture]],
    stored: Mapping[Key, Stored],
    columns: Sequence[str],
) -> None:
    """Write samples with all columns, those of an article one after another, with their pictures."""
    kind = interleaved_schema(columns)
    kind = pa.schema([field.remove_metadata() for field in kind], metadata={"huggingface": features(kind)})
    by_article = itertools.groupby(samples, key=lambda sample: (sample[0]["pmcid"], sample[0]["version"]))
    write_rows(path, kind, (_row(workspace, stored[key], list(of_one), kind) for key, of_one in by_article))


def _row(
    workspace: Workspace, stored: Stored, samples: Sequence[tuple[Mapping[str, Any], Picture]], kind: pa.Schema
) -> tuple[dict[str, Any], int]:
    """A row, and the bytes of its pictures."""
    first = samples[0][0]
    xml = workspace.read(stored.shard, stored.offset, stored.size, stored.sha256)
    blocks = parse_article(xml, pmcid=first["pmcid"], body=True).body
    made = interleave(first["pmcid"], first["version"], blocks, [sample for sample, _ in samples])
    pictures = {sample["pair_key"]: picture for sample, picture in samples}
    shown = [(key, pictures[key]) for key in (figure["pair_key"] for figure in made["figures"])]
    images = [{"bytes": picture.content, "path": f"{key}.{picture.extension}"} for key, picture in shown]
    told = {name: first[name] for name in kind.names if name in first}
    names = [field.name for field in kind.field("figures").type.value_type]
    figures = [{name: figure[name] for name in names} for figure in made["figures"]]
    size = sum(len(picture.content) for _, picture in shown)
    return {**told, **made, "images": images, "figures": figures}, size


def interleave(
    pmcid: str, version: int, blocks: Iterable[Block], samples: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """`text` of an article, `figures` with their places, and `mentions`.

    `samples` have pair_key, figure_key, label and text; those of one figure that say the same share a caption.
    """
    by_figure: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for sample in sorted(samples, key=itemgetter("pair_key")):
        by_figure[sample["figure_key"]].append(sample)
    text = ""
    figures: list[dict[str, Any]] = []
    mentions: list[dict[str, Any]] = []
    for block in blocks:
        if block.kind is not BlockKind.FIGURE:
            for citation in block.citations:
                key = figure_key(pmcid, version, citation.figure)
                span = {"start": len(text) + citation.start, "end": len(text) + citation.end}
                mentions.append({**span, "figure_key": key, "panels": list(citation.panels)})
            text += block.text.replace(SIGN, _NO_SIGN) + _APART
            continue
        shown = by_figure[figure_key(pmcid, version, block.figure or 0)]
        for (label, words), alike in itertools.groupby(shown, key=itemgetter("label", "text")):
            placed = []
            for sample in alike:
                placed.append({**sample, "place": len(text)})
                text += SIGN
            text += f"\n{label}: " if label else "\n"
            span = {"text_start": len(text), "text_end": len(text) + len(words)}
            figures += ({**sample, **span} for sample in placed)
            text += words.replace(SIGN, _NO_SIGN) + _APART
    return {"text": text.removesuffix(_APART), "figures": figures, "mentions": mentions}
