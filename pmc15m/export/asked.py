"""Somebody's list of figures, found in a workspace: keys of ours, or article and file as published lists write them.

    PMC7112410_1_f002, …_g01, …_p03                       keys of a figure, a picture, a panel
    PMC4083729_AMHSR-4-14-g002.jpg                        ROCO: article, file
    ROCO_2   wget … /PMC4083729.tar.gz …   AMHSR-4-….jpg  ROCO's list to fetch from: package of the article, file
    {"image": "PMC212319_Fig3_4.jpg", …}                  PMC-OA: article, number of the figure, panel
    {"pair_id": "26768438_F3", "image_file_path": …}      LLaVA-Med: PubMed id, id of the figure
    {"pmid": …, "pmc": …, "figures": [{"graphic_ref": …}]} PMC-15M's pipeline: a line an article with its figures
    PMC7112410, PMCID: PMC7112410                         all figures of an article

Lines of plain text, CSV or TSV, JSON lines, or one JSON list. What is not found is told, each with the reason.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

ASKED = "asked_pairs"  # the table with the keys of the pairs that a list names (one column, pair_key)

_KEY = re.compile(r"PMC\d+_\d+_f\d{3,}(?:_g\d\d+(?:_p\d\d+)?)?")
_PMCID = re.compile(r"(?:^|(?<=[^A-Za-z0-9]))PMC(\d+)(?!\d)(?:\.\d+)?[_/]?", re.IGNORECASE)
_PUBMED = re.compile(r"(\d{5,9})_(\S+)")
_PACKAGE = re.compile(r"(?:^|/)(PMC\d+)\.tar\.gz\b")
_SPOKEN = re.compile(r"PMC(?:ID)?:?\s*(PMC\d+)(?:\.\d+)?", re.IGNORECASE)
_PMC_COLUMN = re.compile(r"pmc(?:[_ ]?id)?", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(?:jpe?g|png|gif|tiff?|webp|bmp|svg|eps)$", re.IGNORECASE)
_TELLING = re.compile(r"pmc|pm_?id|^id$|key|pair|image|file|fig|graphic|name|path|article", re.IGNORECASE)
_CAPTIONS = re.compile(r"caption|text|title|url", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One entry of a list: as it was written, and what it names."""

    words: str
    key: str = ""
    article: str = ""  # PMCID or PubMed id
    names: tuple[str, ...] = ()  # of the picture, lower case, without suffix; none = all of the article's


@dataclass(frozen=True, slots=True)
class Found:
    """How many entries a list has, and which of them nothing was found for, with the reason."""

    entries: int
    missing: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.entries - len(self.missing)} of {self.entries} asked figures found"


def read_asked(text: str) -> Iterator[Asked]:
    """The entries of a list."""
    for words, candidates in _entries(text):
        yield _asked(words, candidates)


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        records = json.loads(text) if start == "[" else [json.loads(line) for line in text.splitlines() if line.strip()]
        for record in records:
            for entry in _figures(record) if isinstance(record, dict) else [record]:
                if isinstance(entry, dict):
                    yield json.dumps(entry, ensure_ascii=False)[:200], _told(entry)
                else:
                    yield str(entry), [str(entry)]
        return
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    names: list[str] = []
    for position, fields in enumerate(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter)):
        told = itertools.zip_longest(names, fields, fillvalue="")
        words = [word for name, field in told if (word := _word(name, field))]
        if position or any(character.isdigit() for word in words for character in word):
            yield delimiter.join(fields)[:200], words
        else:
            names = fields  # a line of headings


def _figures(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The figures of a record of an article, each with the article's own facts; else the record."""
    figures = record.get("figures")
    if not isinstance(figures, list) or not all(isinstance(figure, dict) for figure in figures):
        return [record]
    article = {name: value for name, value in record.items() if name.lower() in ("pmid", "pmc", "pmcid")}
    return [{**article, **figure} for figure in figures]


def _told(record: Mapping[str, Any]) -> list[str]:
    told = [(str(name), str(value)) for name, value in record.items() if isinstance(value, (str, int))]
    return [_numbered(name, value) for name, value in told if _TELLING.search(name) and not _CAPTIONS.search(name)]


def _word(name: str, field: str) -> str:
    """What a column of a table names; a caption, which has spaces, names nothing."""
    package = _PACKAGE.search(field)
    if package is None:
        package = _SPOKEN.fullmatch(field.strip())
    return package[1] if package else "" if " " in field.strip() else _numbered(name, field.strip())


def _numbered(name: str, word: str) -> str:
    """A PMCID where a column of PMCIDs holds its digits alone; else the word."""
    return f"PMC{word}" if word.isdecimal() and _PMC_COLUMN.fullmatch(name.strip()) else word


def _asked(words: str, candidates: list[str]) -> Asked:
    stems = (_SUFFIX.sub("", word.rsplit("/", 1)[-1]) for word in candidates)
    if keys := [stem for stem in stems if _KEY.fullmatch(stem)]:
        panels = [key for key in keys if key.startswith(f"{keys[0]}_")]
        return Asked(words, key=max(panels, key=len, default=keys[0]))  # of a figure and its panel, the panel
    article, names = "", []
    for word in candidates:
        found = _PMCID.search(word)
        pubmed = _PUBMED.fullmatch(word) if found is None else None
        if found is not None:
            article = f"PMC{found[1]}" if not article.startswith("PMC") else article
            word = word[found.end() :]
        elif pubmed is not None:
            article, word = article or pubmed[1], pubmed[2]
        elif re.fullmatch(r"\d{5,9}", word):
            article, word = article or word, ""
        name = _SUFFIX.sub("", word.rsplit("/", 1)[-1]).lower()
        names += [name, *([re.sub(r"_\d+$", "", name)] if re.search(r"_\d+$", name) else [])] if name else []
    return Asked(words, article=article, names=tuple(dict.fromkeys(names)))


def find_asked(connection: duckdb.DuckDBPyConnection, text: str, level: str) -> Found:
    """Fill the table `ASKED` with the pairs that a list names: panels where it names panels, else those of `level`."""
    entries = list(read_asked(text))
    rows = [
        {"entry": number, "key": asked.key, "article": asked.article, "name": name, "rank": rank}
        for number, asked in enumerate(entries)
        for rank, name in enumerate(asked.names or ("",))
    ]
    connection.register("asked", pa.Table.from_pylist(rows, _ROWS))
    connection.execute(_STEM)
    connection.execute(_FIND, {"level": level or "figure"})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {ASKED} AS SELECT DISTINCT pair_key FROM asked_found")
    missing = connection.execute(_MISSING).fetchall()
    return Found(len(entries), tuple((entries[entry].words, reason) for entry, reason in missing))


_ROWS = pa.schema(
    [("entry", pa.int64()), *((name, pa.string()) for name in ("key", "article", "name")), ("rank", pa.int64())]
)

# Ways in which an article's own words name a picture, the surest first.
_STEM = r"CREATE OR REPLACE TEMP MACRO stem(name) AS lower(regexp_replace(name, '\.[A-Za-z]{2,4}$', ''))"
_FIND = r"""
CREATE OR REPLACE TEMP TABLE asked_articles AS
  SELECT entry, pmcid, version FROM asked JOIN articles ON article = pmcid
  UNION SELECT entry, pmcid, version FROM asked JOIN articles ON article = pmid AND article <> '';
CREATE OR REPLACE TEMP TABLE asked_images AS
  WITH pictured AS (
    SELECT image_key, pmcid, version, href, file, lower(figure_id) AS id,
      regexp_extract(lower(coalesce(figures.label, derived_label)), '^fig[a-z.]*\s*0*(\d+)', 1) AS number
    FROM images SEMI JOIN asked_articles USING (pmcid, version) JOIN figures USING (figure_key, pmcid, version)),
  named AS (
    SELECT image_key, pmcid, version, stem(file) AS name, 0 AS way FROM pictured
    UNION ALL SELECT image_key, pmcid, version, stem(split_part(href, '/', -1)), 1 FROM pictured
    UNION ALL SELECT image_key, pmcid, version, id, 2 FROM pictured
    UNION ALL SELECT image_key, pmcid, version, 'figure ' || nullif(number, ''), 3 FROM pictured
    UNION ALL SELECT image_key, pmcid, version, '', 4 FROM pictured),
  wanted AS (
    SELECT entry, name, rank FROM asked
    UNION SELECT entry, 'figure ' || number, rank
      FROM (SELECT *, regexp_extract(name, '^(?:f|fig|figure)[ ._-]*0*(\d+)$', 1) AS number FROM asked)
      WHERE number <> ''),
  matched AS (
    SELECT entry, image_key, way, rank
      FROM wanted JOIN asked_articles USING (entry) JOIN named USING (pmcid, version, name)
    UNION ALL SELECT entry, image_key, 0, 0 FROM asked JOIN images ON images.figure_key = key
    UNION ALL SELECT entry, image_key, 0, 0
      FROM (SELECT entry, regexp_extract(key, '^PMC\d+_\d+_f\d+_g\d+') AS image_key FROM asked WHERE key <> '')
      SEMI JOIN images USING (image_key))
  SELECT DISTINCT entry, image_key FROM matched QUALIFY rank() OVER (PARTITION BY entry ORDER BY way, rank) = 1;
CREATE OR REPLACE TEMP TABLE asked_found AS
  SELECT entry, pair_key FROM asked_images JOIN pairs USING (image_key)
    WHERE level = $level AND entry NOT IN (SELECT entry FROM asked WHERE contains(key, '_p'))
  UNION
  SELECT entry, pair_key FROM asked JOIN pairs ON panel_key = key;
"""

_MISSING = """
WITH missing AS (SELECT DISTINCT entry, key, article FROM asked ANTI JOIN asked_found USING (entry)),
known AS (
  SELECT entry, key, article, coalesce(nullif(article, ''), regexp_extract(key, '^PMC[0-9]+')) AS own FROM missing),
placed AS (
  SELECT entry, any_value(own) AS own, any_value(articles.pmcid) AS parsed, any_value(catalog.pmcid) AS listed,
    any_value(lost_articles.reason) AS lost_article, any_value(asked_images.image_key) AS image,
    any_value(coalesce(lost_images.reason, lost_figures.reason)) AS lost_image
  FROM known
    LEFT JOIN (SELECT pmcid, pmcid AS own FROM articles UNION ALL SELECT pmcid, pmid FROM articles)
      AS articles USING (own)
    LEFT JOIN (SELECT pmcid, pmcid AS own FROM catalog UNION ALL SELECT pmcid, pmid FROM catalog)
      AS catalog USING (own)
    LEFT JOIN lost_articles ON lost_articles.pmcid = coalesce(articles.pmcid, catalog.pmcid)
    LEFT JOIN asked_images USING (entry)
    LEFT JOIN images ON images.image_key = asked_images.image_key
    LEFT JOIN lost_images ON lost_images.image_key = asked_images.image_key
    LEFT JOIN lost_figures ON lost_figures.figure_key = images.figure_key
  GROUP BY entry)
SELECT entry, CASE
  WHEN own = '' THEN 'it names no article'
  WHEN parsed IS NULL AND listed IS NULL THEN 'the article is not in the catalog'
  WHEN lost_article IS NOT NULL THEN 'the article was lost: ' || lost_article
  WHEN image IS NULL THEN 'the article has no such picture'
  WHEN lost_image IS NOT NULL THEN 'the picture was lost: ' || lost_image
  ELSE 'the picture has no pair of this level' END
FROM placed ORDER BY entry
"""
