"""The data card: README.md of an export, with the front matter that the Hugging Face hub reads."""

from collections.abc import Mapping
from typing import Any

from pmc15m import __version__
from pmc15m.export.recipes import Recipe
from pmc15m.query.output import markdown_text

_CARD = """\
---
pretty_name: pmc15m {name}
task_categories: [image-to-text, zero-shot-image-classification]
language: [en]
tags: [biology, medical, figures, captions, PubMed Central]
license: other
license_name: per-sample
{configs}---
# {name}

{description}

{total} figure–caption pairs from open-access articles of PubMed Central, made by pmc15m {version} with the recipe
`{name}`.

| split | pairs |
|---|---:|
{splits}

## How the pairs were chosen

| step | removed | left |
|---|---:|---:|
{funnel}

## Licences

Every pair is under the licence of its article: `licence_code` and `licence_url` in each sample, authors and citation in
`attribution.csv`. An article's licence does not cover figures that are marked as reprinted from elsewhere.

| licence | pairs |
|---|---:|
{licences}
{no_derivatives}
## Terms

Source: U.S. National Library of Medicine, PubMed Central (PMC) Article Datasets, accessed from
https://registry.opendata.aws/ncbi-pmc. NLM does not endorse this data set; it may not reflect the most current data
that NLM offers. Retracted and corrected articles change: `pmc15m index` and `crawl` bring a workspace up to date.
"""

_NO_DERIVATIVES = """
Licences with -ND forbid passing on altered pictures; crops, panels and re-encoded pictures may count as such. Leave
these pairs out before you publish the data (`licence_code NOT LIKE '%-ND'`).
"""


def data_card(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    """The card's text, from the recipe and the summary's facts."""
    samples, licences = facts["samples"], facts["licences"]
    hugging_face = facts["format"] == "hf"
    files = "".join(f"  - {{split: {_HUB_NAMES[split]}, path: data/{split}-*.parquet}}\n" for split in samples)
    return _CARD.format(
        name=recipe.name,
        description=recipe.description,
        version=__version__,
        total=f"{sum(samples.values()):,}",
        configs=f"configs:\n- config_name: default\n  data_files:\n{files}" if hugging_face else "",
        splits=_rows(samples),
        funnel="\n".join(f"| {row['name']} | {row['removed']:,} | {row['left']:,} |" for row in facts["funnel"]),
        licences=_rows(licences),
        no_derivatives=_NO_DERIVATIVES if any(code.endswith("-ND") for code in licences) else "",
    )


_HUB_NAMES = {"train": "train", "val": "validation", "test": "test"}


def _rows(counts: Mapping[str, int]) -> str:
    return "\n".join(f"| {markdown_text(name)} | {count:,} |" for name, count in counts.items())
