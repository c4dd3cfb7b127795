"""`croissant.json` of an export: Croissant 1.1 with the RAI fields (http://mlcommons.org/croissant), from its facts.

Paths are relative to the file, so that the folder may lie anywhere.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pmc15m import __version__
from pmc15m.export.columns import KEY_AND_TEXT, SAMPLE
from pmc15m.export.order import Order

# The context of the specification, as `mlcroissant` writes it.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: {"@container": "@language"} for name in ("description", "name")},
    **{
        name: f"cr:{name}"
        for name in (
            *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
            *("fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath"),
            *("key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace"),
            *("samplingRate", "separator", "source", "subField", "transform"),
        )
    },
}
_TABLES = {  # files with a row a pair, by format: pattern and type
    "hf": ("data/*.parquet", "application/x-parquet"),
    "interleaved": ("data/*.parquet", "application/x-parquet"),
    "jsonl": ("*/metadata.jsonl", "application/jsonlines"),
    "csv": ("{split}.csv", "text/csv"),
    "tsv": ("{split}.tsv", "text/tab-separated-values"),
    "articles": ("{split}.jsonl", "application/jsonlines"),
    "llava": ("{split}.json", "application/json"),
}
_BIASES = (
    "Figures show what gets published, not what is common: rare findings and clear examples; mostly English; journals "
    "that allow reuse, a few large publishers among them. Panels are cut and their texts found by small networks that "
    "err: of the panels of 200 looked-at figures .66 have box, letter and text right, of the surest 70 % .72."
)
_PRIVATE = (
    "Articles may show patients and people who take part in studies, as published with the consent that journals ask "
    "for; captions may tell age, sex and findings. Authors are named in attribution.csv. Nothing was added."
)
_MAINTENANCE = (
    "`pmc15m run` follows the source: articles that are corrected, withdrawn or retracted change or leave the export "
    "at the next run; the same inputs give the same bytes."
)


def croissant(order: Order, columns: Sequence[str], facts: Mapping[str, Any]) -> str:
    """The JSON-LD, from what was ordered and the summary's facts."""
    kind, samples = order.settings.format, facts["samples"]
    years = [year for year in facts["years"] if year]
    removed = "; ".join(f"{row['name']} removed {row['removed']:,}" for row in facts["funnel"][1:])
    told = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": f"pmc15m-{order.name}",
        "description": order.recipe.description,
        "url": "https://registry.opendata.aws/ncbi-pmc",
        "version": f"1.0.0+{facts['fingerprint'][:8]}",
        "datePublished": facts["newest"] or "1970-01-01",
        "license": facts["licence_urls"],
        "citeAs": "U.S. National Library of Medicine, PubMed Central Article Datasets; each article: attribution.csv",
        "creator": {"@type": "Organization", "name": f"pmc15m {__version__}", "url": "https://pmc.ncbi.nlm.nih.gov"},
        "isLiveDataset": True,
        "keywords": ["biology", "medicine", "figures", "captions", "PubMed Central"],
        "inLanguage": sorted(facts["languages"]),
        "rai:dataCollection": "Figures and captions of open-access articles, from JATS XML and published pictures.",
        "rai:dataCollectionType": ["Secondary Data Analysis", "Software Collection"],
        "rai:dataCollectionTimeframe": [f"{year}-01-01" for year in (min(years), max(years))] if years else [],
        "rai:dataCollectionMissingData": f"Pictures that failed: {facts['failed'] or 'none'}. Nothing is imputed.",
        "rai:dataPreprocessingProtocol": [
            f"Recipe {order.recipe.name}: {removed or 'nothing removed'}.",
            f"Pictures: {facts['conversions']}.",
            f"Splits by article and duplicate group: {samples}.",
            f"Pairs by licence: {facts['licences']}; by kind of picture: {facts['kinds']}; by year: {facts['years']}.",
        ],
        "rai:machineAnnotationTools": [f"pmc15m {__version__}: panels, their texts, kinds of pictures, modalities"],
        "rai:dataBiases": [_BIASES],
        "rai:dataLimitations": ["Nothing here was checked by a physician; it is no basis for a diagnosis."],
        "rai:dataUseCases": ["Pretraining of models of biomedical pictures and text, and their evaluation."],
        "rai:dataSocialImpact": "Models learn the gaps of the literature together with its knowledge.",
        "rai:personalSensitiveInformation": [_PRIVATE],
        "rai:dataReleaseMaintenancePlan": _MAINTENANCE,
        "distribution": _distribution(kind, list(samples), facts["shards"]) if samples else [],
        "recordSet": _record_sets(kind, columns) if samples else [],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _distribution(kind: str, splits: Sequence[str], shards: Mapping[str, Any]) -> list[dict[str, Any]]:
    if kind != "webdataset":
        pattern, media = _TABLES[kind]
        return [_files("files", list(dict.fromkeys(pattern.format(split=split) for split in splits)), media)]
    tars = [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "encodingFormat": "application/x-tar",
            "contentSize": f"{described['size']} B",
            "sha256": described["sha256"],
        }
        for name, described in shards.items()
    ]
    inside = {"containedIn": [{"@id": name} for name in shards]}
    return [
        *tars,
        _files("picture-files", ["*.jpg", "*.webp"], "image/jpeg") | inside,
        _files("text-files", ["*.txt"], "text/plain") | inside,
    ]


def _files(name: str, patterns: list[str], media: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "includes": patterns, "encodingFormat": media}


def _record_sets(kind: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    if kind == "webdataset":
        return [_members("picture", "jpg", "sc:ImageObject"), _members("text", "txt", "sc:Text")]
    if kind not in ("hf", "jsonl", "csv", "tsv"):
        return []
    fields = {field.name: field for field in (*KEY_AND_TEXT, *(SAMPLE.field(name) for name in columns))}
    if kind in ("csv", "tsv"):  # whose column `title` is the caption
        fields = {{"text": "title"}.get(name, name): field for name, field in fields.items() if name != "title"}
    described = []
    for name, field in fields.items():
        if kind == "hf" and pa.types.is_struct(field.type):
            continue  # `box`, which Croissant's readers cannot take out of Parquet
        source: dict[str, Any] = {"fileSet": {"@id": "files"}, "extract": {"column": name}}
        is_list = pa.types.is_list(field.type) and kind == "hf"
        described.append(
            {
                "@type": "cr:Field",
                "@id": f"pairs/{name}",
                "name": name,
                "description": field.metadata[b"comment"].decode(),
                "dataType": _data_type(field.type, kind),
                "source": source,
                **({"repeated": True} if is_list else {}),
            }
        )
    if kind == "hf":
        picture = {"fileSet": {"@id": "files"}, "extract": {"column": "image"}, "transform": {"jsonPath": "bytes"}}
        image = {"@type": "cr:Field", "@id": "pairs/image", "name": "image", "dataType": "sc:ImageObject"}
        described.append(image | {"description": "the picture", "source": picture})
    return [
        {"@type": "cr:RecordSet", "@id": "pairs", "name": "pairs", "key": {"@id": "pairs/pair_key"}, "field": described}
    ]


def _members(name: str, suffix: str, kind: str) -> dict[str, Any]:
    """A record set of the members of the tars that have one suffix, by the key of their pair."""
    key = {"extract": {"fileProperty": "filename"}, "transform": {"regex": rf"^(.+)\.{suffix}$"}}
    described = [
        (f"{name}/key", "key", "sc:Text", key),
        (f"{name}/content", "content", kind, {"extract": {"fileProperty": "content"}}),
    ]
    fields = [
        {
            "@type": "cr:Field",
            "@id": identifier,
            "name": field,
            "description": f"{field} of a member",
            "dataType": data_type,
            "source": {"fileSet": {"@id": f"{name}-files"}, **source},
        }
        for identifier, field, data_type, source in described
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/key"}, "field": fields}


def _data_type(kind: pa.DataType, format: str) -> str:
    if pa.types.is_integer(kind) and format != "hf":
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) or pa.types.is_integer(kind) else "sc:Text"
