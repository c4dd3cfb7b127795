"""What a sample tells beside its picture and text: where it comes from, what it shows, and under which terms.

In Parquet every column has its type. Where readers guess types from the first rows (WebDataset's JSON, JSONL, CSV),
nothing is null and no list is there to be empty (`flat`): a guess after one sample holds for all.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pmc15m.errors import UsageError
from pmc15m.schema import BOX, PAIRS

_TEXTS = pa.list_(pa.string())
IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])  # a picture, to `datasets`


def _field(name: str, kind: pa.DataType, comment: str) -> pa.Field:
    return pa.field(name, kind, metadata={"comment": comment})


# Of the article, the figure and the picture, beside what stands in `pairs`: column, and SQL over p, a, f and i.
PROVENANCE: Mapping[str, tuple[pa.Field, str]] = {
    field.name: (field, expression)
    for field, expression in (
        (_field("pmid", pa.string(), "of PubMed"), "a.pmid"),
        (_field("doi", pa.string(), "of the article, as written"), "a.doi"),
        (_field("title", pa.string(), "of the article"), "a.title"),
        (_field("file", pa.string(), "name of the picture as published"), "i.file"),
        (_field("section", pa.string(), "titles of the sections around the figure"), "f.section_path"),
        (
            _field("mentions", _TEXTS, "sentences that cite the figure; of a panel, those that name no other one"),
            """list_filter(
                 list_transform(
                   list_filter(f.mentions, lambda m: p.level = 'figure' OR len(m.panels) = 0
                     OR list_contains(list_transform(m.panels, lambda letter: lower(letter)),
                                      lower(split_part(p.label, ' ', -1)))),
                   lambda m: m.sentence),
                 lambda s, n: s IS NOT NULL)""",
        ),
        (_field("credit", pa.string(), "the figure's own credit line"), "f.attrib"),
        (_field("permissions", pa.string(), "the figure's own permissions statement"), "f.permissions"),
        (_field("holder", pa.string(), "the article's copyright statement"), "a.copyright_statement"),
        (_field("citation", pa.string(), "how the article is cited"), "a.citation"),
    )
}

# What is made with the sample.
_MADE = (
    _field("licence_spdx", pa.string(), "SPDX's name of licence_code with its version, or NOASSERTION"),
    _field("width", pa.int32(), "px, of the picture as exported"),
    _field("height", pa.int32(), "px"),
    _field("conversion", pa.string(), "what was done to the published picture; `published` = nothing"),
)

# In the order in which a reader wants to see them.
_ORDER = (
    *("pmcid", "version", "pmid", "doi", "title", "journal", "year", "article_type", "citation"),
    *("level", "figure_key", "image_key", "panel_key", "file", "label", "section", "origin", "figure_kind"),
    *("box", "n_panels", "context", "mentions", "modalities", "language", "image_family", "image_family_score"),
    *("image_kind", "image_kind_score", "alignment_score"),
    *("licence_code", "licence_spdx", "licence_url", "licence_group", "credit", "permissions"),
    *("holder", "flags", "split", "width", "height", "conversion"),
)
_FIELDS = {field.name: field for field in (*PAIRS, *(field for field, _ in PROVENANCE.values()), *_MADE)}
SAMPLE = pa.schema([_FIELDS[name] for name in _ORDER])
KEY_AND_TEXT = (PAIRS.field("pair_key"), _field("text", pa.string(), "caption: what `export.text` chose"))

# The columns of a plan: those of `pairs`, and where they come from.
PLAN = pa.schema([*PAIRS, *(field for field, _ in PROVENANCE.values())])
POINTER = ("shard", "offset")  # where the picture lies in the workspace: of no interest to who has the export

# What became of each pair's picture, and the plan with it but for the pointer: a shard's side table.
OUTCOME = pa.schema(
    [
        _field("export_status", pa.string(), "success or failed"),
        _field("export_reason", pa.string(), "why it failed"),
        _field("export_width", pa.int32(), "px"),
        _field("export_height", pa.int32(), "px"),
        _field("export_sha256", pa.string(), "of the exported bytes"),
        _field("export_extension", pa.string(), "as the bytes are: jpg, png or webp"),
        _field("export_conversion", pa.string(), "what was done to the published picture; `published` = nothing"),
        _field("export_span", pa.list_(pa.int64()), "in the tar, offset and size of picture, text and JSON in bytes"),
    ]
)
EXPORTED = pa.schema([*(field for field in PLAN if field.name not in POINTER), *OUTCOME])


def chosen(columns: str) -> tuple[str, ...]:
    """The columns that a setting names, in the order of `SAMPLE`; all where it is empty. Raises `UsageError`."""
    names = [name.strip() for name in columns.split(",") if name.strip()]
    if unknown := [name for name in names if name not in _ORDER]:
        raise UsageError(f"a sample has no column {unknown[0]!r}; it has {', '.join(_ORDER)}")
    return tuple(name for name in _ORDER if name in names) if names else _ORDER


def sample(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The chosen columns of a row of the plan with its outcome (`stage`)."""
    made = {
        "licence_spdx": spdx(row["licence_code"], row["licence_url"]),
        "width": row["export_width"],
        "height": row["export_height"],
        "conversion": row["export_conversion"],
    }
    return {name: made[name] if name in made else row[name] for name in columns}


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A sample in which every column has one JSON type: "" and -1 where nothing is known, lists joined by "; " …

    … sentences by line ends, and a box as four numbers in one text, "" for the whole picture.
    """
    return {name: _flat(_FIELDS[name].type if name in _FIELDS else pa.string(), value) for name, value in row.items()}


def _flat(kind: pa.DataType, value: Any) -> Any:
    if kind == BOX:
        return "" if value is None else "{x0},{y0},{x1},{y1}".format(**value)
    if pa.types.is_list(kind):
        return "\n".join(value or ()) if any("; " in item for item in value or ()) else "; ".join(value or ())
    if value is not None:
        return float(value) if pa.types.is_floating(kind) else value
    return "" if kind == pa.string() else -1.0 if pa.types.is_floating(kind) else -1


def features(kind: pa.Schema) -> str:
    """The schema metadata `huggingface`, which makes `datasets` take structs of the type `IMAGE` for pictures."""
    return json.dumps({"info": {"features": {field.name: _feature(field.type) for field in kind}}})


def _feature(kind: pa.DataType) -> Any:
    if kind == IMAGE:
        return {"_type": "Image"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


def schema(columns: Sequence[str]) -> pa.Schema:
    """Key, text and the chosen columns, typed."""
    fields = [*KEY_AND_TEXT, *(SAMPLE.field(name) for name in columns)]
    return pa.schema([field.remove_metadata() for field in fields])


_CC = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/([\d.]+)(?:/(igo|[a-z]{2}))?(?:[/?#]|$)", re.IGNORECASE)
_PORTED = {  # SPDX names these alone of the licences that were ported to a country
    *("CC-BY-3.0-AT", "CC-BY-3.0-AU", "CC-BY-3.0-DE", "CC-BY-3.0-IGO", "CC-BY-3.0-NL", "CC-BY-3.0-US"),
    *("CC-BY-2.5-AU", "CC-BY-NC-3.0-DE", "CC-BY-NC-ND-3.0-DE", "CC-BY-NC-ND-3.0-IGO", "CC-BY-NC-SA-2.0-DE"),
    *("CC-BY-NC-SA-2.0-FR", "CC-BY-NC-SA-2.0-UK", "CC-BY-NC-SA-3.0-DE", "CC-BY-NC-SA-3.0-IGO", "CC-BY-ND-3.0-DE"),
    *("CC-BY-SA-2.0-UK", "CC-BY-SA-2.1-JP", "CC-BY-SA-3.0-AT", "CC-BY-SA-3.0-DE", "CC-BY-SA-3.0-IGO"),
}
_VERSIONS = {"1.0", "2.0", "2.5", "3.0", "4.0"}


@functools.lru_cache(maxsize=10_000)
def spdx(code: str | None, url: str | None) -> str:
    """SPDX's identifier of a licence; NOASSERTION where code and address do not name one together.

    >>> spdx("CC BY-NC-ND", "https://creativecommons.org/licenses/by-nc-nd/4.0/")
    'CC-BY-NC-ND-4.0'
    >>> spdx("CC0", None)
    'CC0-1.0'
    >>> spdx("CC BY", None)
    'NOASSERTION'
    """
    if code == "CC0":
        return "CC0-1.0"
    found = _CC.search(url or "")
    if found is None or f"CC {found[1].upper()}" != code or found[2] not in _VERSIONS:
        return "NOASSERTION"
    name = f"CC-{found[1].upper()}-{found[2]}"
    ported = f"{name}-{found[3].upper()}" if found[3] else name
    return ported if ported == name or ported in _PORTED else "NOASSERTION"
