"""The data card: README.md of an export, with the front matter that the Hugging Face hub and `datasets` read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pmc15m import __version__
from pmc15m.export.columns import KEY_AND_TEXT, SAMPLE
from pmc15m.export.order import Order
from pmc15m.query.output import markdown_text

_CARD = """\
---
pretty_name: pmc15m {name}
task_categories: [image-to-text, zero-shot-image-classification]
language: [{languages}]
size_categories: [{size}]
tags: [biology, medical, figures, captions, PubMed Central]
license: other
license_name: per-sample
{configs}---
# {name}

{description}

{total} figure–caption pairs from {articles} open-access articles of PubMed Central, made by pmc15m {version} with the
recipe `{recipe}`.

| split | pairs |
|---|---:|
{splits}

{opening}
## How the pairs were chosen

| step | removed | left |
|---|---:|---:|
{funnel}

Pictures: {conversions}. The column `conversion` says of each what was done to it.

## Licences

Every pair is under the licence of its article: `licence_code`, `licence_spdx` and `licence_url` in each sample, authors
and citation in `attribution.csv`. An article's licence does not cover figures that are marked as reprinted from
elsewhere.

| licence | pairs |
|---|---:|
{licences}

{no_derivatives}

## Columns

| column | meaning |
|---|---|
{columns}

## What to know before use

Captions are the authors' words, panels and their texts are cut by small networks: `alignment_score` says how sure they
were. Figures show what gets published, not what is common: rare findings, English, a few large publishers. Pictures of
people are in it as their articles published them. Duplicates, splits and benchmarks are told apart by picture and
caption; what is near in meaning alone is not.

## Terms

Source: U.S. National Library of Medicine, PubMed Central (PMC) Article Datasets, accessed from
https://registry.opendata.aws/ncbi-pmc. NLM does not endorse this data set; it may not reflect the most current data
that NLM offers. Retracted and corrected articles change: `pmc15m index` and `crawl` bring a workspace up to date.
"""

_WITHOUT_ND = """\
Licences with -ND forbid passing on altered pictures. Of these there are only pictures as they were published; cut and
re-encoded ones were left out."""
_WITH_ND = """\
**This export was made with `allow_derivatives_of_nd`: it may hold cut or re-encoded pictures whose licence
(-ND) forbids passing on altered ones. Leave them out before you publish it (`licence_code NOT LIKE '%-ND'`).**"""

# What a split's files are, by format, and how the folder is opened.
_FILES = {
    "webdataset": "data/{split}-*.tar",
    "hf": "data/{split}-*.parquet",
    "jsonl": "{split}/**",
    "csv": "{split}/**",
    "tsv": "{split}/**",
    "llava": "{split}.json",
    "articles": "{split}.jsonl",
    "interleaved": "data/{split}-*.parquet",
}
_OPENED = """\
```python
import datasets
data = datasets.load_dataset("path/to/this/folder"{streaming})
```
"""
_HUB_NAMES = {"train": "train", "val": "validation", "test": "test"}
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")


def data_card(order: Order, columns: Sequence[str], facts: Mapping[str, Any]) -> str:
    """The card's text, from what was ordered and the summary's facts."""
    samples, recipe = facts["samples"], order.recipe
    files = _FILES[facts["format"]]
    paths = "".join(
        f"  - {{split: {_HUB_NAMES[split]}, path: '{files.format(split=split)}'}}\n"
        for split in _HUB_NAMES
        if split in (samples or ["train"])  # of none, that `datasets` says so, and reads no file beside
    )
    total = sum(samples.values())
    conversions = (f"{count:,} {what}" for what, count in facts["conversions"].items())
    told = [*KEY_AND_TEXT, *(SAMPLE.field(name) for name in columns)]
    if facts["format"] == "interleaved":
        from pmc15m.export.interleaved import interleaved_schema  # here, as it brings the parser of articles

        told = [*interleaved_schema(columns)]
    return _CARD.format(
        name=order.name,
        recipe=recipe.name,
        description=recipe.description,
        version=__version__,
        total=f"{total:,}",
        articles=f"{facts['articles']:,}",
        languages=", ".join(sorted({code for code in map(_language, facts["languages"]) if code})),
        size=_SIZES[max(0, len(str(total)) - 3)],
        configs=f"configs:\n- config_name: default\n  data_files:\n{paths}",
        opening=_OPENED.format(streaming="" if order.settings.format != "webdataset" else ", streaming=True"),
        splits=_rows(samples),
        funnel="\n".join(f"| {row['name']} | {row['removed']:,} | {row['left']:,} |" for row in facts["funnel"]),
        conversions=", ".join(conversions) or "none",
        licences=_rows(facts["licences"]),
        no_derivatives=_WITH_ND if order.settings.allow_derivatives_of_nd else _WITHOUT_ND,
        columns="\n".join(f"| `{field.name}` | {_meaning(field)} |" for field in told),
    )


def _language(tag: str) -> str | None:
    """The code that the hub knows; article and captions may say anything."""
    found = re.match(r"[a-z]{2,3}(?![a-z])", tag)
    return f"'{found[0]}'" if found and found[0] != "und" else None  # quoted: `no` is Norwegian


def _meaning(field: Any) -> str:
    return str(field.metadata[b"comment"].decode().replace("|", "/"))


def _rows(counts: Mapping[str, int]) -> str:
    return "\n".join(f"| {markdown_text(name)} | {count:,} |" for name, count in counts.items())
