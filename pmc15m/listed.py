"""Figures of one's own, as a file lists them: panels and sub-captions out, without PMC and without a workspace.

A list is JSON lines, CSV or TSV (or a folder that holds one) with the path of a picture, relative to the list, and a
caption in each row. Every row leaves as one row a panel, or as one with a reason.
"""

import csv
import enum
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pmc15m.config import SplitConfig
from pmc15m.engine import Success, map_units
from pmc15m.engine.progress import Progress
from pmc15m.engine.stage import FAULT
from pmc15m.errors import ExitCode, UsageError
from pmc15m.figures.captions import text_of
from pmc15m.figures.drawing import Drawing, Mark
from pmc15m.pictures.decode import Decoded, decode
from pmc15m.query.harmless import harmless
from pmc15m.split import split_image
from pmc15m.workspace import atomic

log = logging.getLogger(__name__)

Row = dict[str, Any]

# What lists call their columns, the likeliest first: ours, Hugging Face's imagefolder, open_clip's csv.
IMAGE_COLUMNS = ("image", "file_name", "filename", "file", "path", "filepath")
CAPTION_COLUMNS = ("caption", "text", "title")
_COLUMNS = (IMAGE_COLUMNS, CAPTION_COLUMNS)
_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".tsv")
_MOST_BYTES = 256 << 20  # of a picture
_QUALITY = 92  # of the panels that are written
_LAST = "\x1e"  # a row of our own behind the last one
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class RowReason(enum.StrEnum):
    """Why a row has no panels, beside `decode.DecodeError` and FAULT."""

    NOT_A_ROW = "not_a_row"  # no JSON object, no text, or one that is not UTF-8
    NO_IMAGE = "no_image"  # it names none
    MISSING = "missing"  # there is no such file
    TOO_BIG = "too_big"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list, with its number from 1."""

    number: int
    image: str | None
    caption: str | None
    reason: RowReason | None = None


def read_list(path: Path) -> list[Listed]:
    """The rows of a list, or of the only one in a folder. Raises `UsageError` for what is no list."""
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
        if len(found) != 1:
            named = ", ".join(file.name for file in found) or "none"
            raise UsageError(f"{path} holds {named}; it takes one list of its pictures (.jsonl, .csv or .tsv)")
        [path] = found
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path} is no list of pictures: a file called {', '.join(_SUFFIXES)}, or a folder with one")
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if path.suffix.lower() in (".csv", ".tsv"):
        return list(_of_csv(path, text))
    return [_of_json(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _of_csv(path: Path, text: str) -> Iterator[Listed]:
    head = text.partition("\n")[0]
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + len(_LAST) + 1))  # the process's: never lowered
    rows = csv.reader(io.StringIO(f"{text}\n{_LAST}", newline=None), delimiter=max("\t,;", key=head.count))
    names = [name.strip().lower() for name in next(rows)]
    image, caption = (next((names.index(n) for n in known if n in names), None) for known in _COLUMNS)
    if image is None:
        told = ", ".join(IMAGE_COLUMNS)
        raise UsageError(f"{path} has no column of pictures ({told}); its first line is {head[:200].strip()!r}")
    listed, row = [], list[str]()
    for number, row in enumerate(filter(None, rows), 1):
        cells = dict(enumerate(row))
        listed.append(_listed(number, cells.get(image), cells.get(caption) if caption is not None else None))
    if row != [_LAST]:  # it was taken into the last row
        raise UsageError(f"{path}: row {len(listed)} opens a quotation that nothing closes")
    yield from listed[:-1]


def _of_json(number: int, line: str) -> Listed:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return Listed(number, None, None, RowReason.NOT_A_ROW)
    said = {key.lower(): value for key, value in said.items()}
    image, caption = (next((said[name] for name in known if name in said), None) for known in _COLUMNS)
    return _listed(number, image, caption)


def _listed(number: int, image: object, caption: object) -> Listed:
    texts = [text for text in (image, caption) if text is not None]
    if not all(isinstance(text, str) and not _SURROGATE.search(text) for text in texts):
        return Listed(number, None, None, RowReason.NOT_A_ROW)
    if not image or "\0" in str(image):
        return Listed(number, None, None, RowReason.NO_IMAGE)
    return Listed(number, str(image), str(caption) if caption else None)


def split_list(path: Path, config: SplitConfig, *, out: Path | None, stream: TextIO, workers: int) -> ExitCode:
    """Split the figures of a list: rows as JSON lines to `stream`, or to `out`/panels.jsonl with the panels' pictures.

    In the order of the list, whatever the number of processes. Raises `UsageError` for what is no list.
    """
    listed = read_list(path)
    folder = path if path.is_dir() else path.parent
    if out is None:
        counts = _write(_split(listed, _Work(folder, None, config), workers), stream)
    else:
        out.mkdir(parents=True, exist_ok=True)
        with atomic(out / "panels.jsonl") as temporary, temporary.open("w", encoding="utf-8") as file:
            counts = _write(_split(listed, _Work(folder, out, config), workers), file)
    lost = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()) if reason != "panels")
    log.info("split: %d rows, %d panels; without panels: %s", len(listed), counts["panels"], lost or "none")
    return ExitCode.INCOMPLETE if counts[FAULT] else ExitCode.COMPLETE


def _write(rows: Iterable[Row], stream: TextIO) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        counts["panels" if row["panel"] is not None else str(row["reason"])] += 1
    return counts


def _split(listed: list[Listed], work: "_Work", workers: int) -> Iterator[Row]:
    """The rows of each figure, in the order of the list."""
    done: dict[Listed, list[Row]] = {}
    waiting = iter(listed)
    upcoming = next(waiting, None)
    with closing(map_units(work, listed, workers=workers)) as outcomes, _progress(listed) as progress:
        for outcome in outcomes:
            if isinstance(outcome, Success):
                done[outcome.unit] = outcome.value
            else:
                log.error("split: row %d: %s", outcome.unit.number, outcome.error)
                done[outcome.unit] = [_dropped(outcome.unit, FAULT)]
            progress.advance()
            while upcoming in done:
                yield from done.pop(upcoming)
                upcoming = next(waiting, None)


def _progress(listed: list[Listed]) -> Progress:
    return Progress("split", total=len(listed), unit="picture")


@dataclass(frozen=True, slots=True)
class _Work:
    """One row's work, picklable: the rows that it leaves as."""

    folder: Path
    out: Path | None
    config: SplitConfig

    def __call__(self, listed: Listed) -> list[Row]:
        if listed.reason is not None or listed.image is None:
            return [_dropped(listed, listed.reason or RowReason.NO_IMAGE)]
        content = _content(self.folder / listed.image)
        if isinstance(content, RowReason):
            return [_dropped(listed, content)]
        rows = split_figure(content, listed.caption, self.config)
        if self.out is not None:
            self._save(content, rows, listed)
        return [{"row": listed.number, "image": listed.image, **row} for row in rows]

    def _save(self, content: bytes, rows: list[Row], listed: Listed) -> None:
        assert self.out is not None
        decoded = decode(content)
        for row in rows:
            if row["panel"] is not None and isinstance(decoded, Decoded):
                row["file"] = f"{listed.number:06d}_p{row['panel']:02d}.jpg"
                decoded.image.crop(tuple(row["box"])).save(self.out / row["file"], quality=_QUALITY)


def _content(path: Path) -> bytes | RowReason:
    try:
        if not path.is_file():
            return RowReason.MISSING
        return RowReason.TOO_BIG if path.stat().st_size > _MOST_BYTES else path.read_bytes()
    except OSError:  # permissions, names that are too long
        return RowReason.UNREADABLE


_NOTHING: Mapping[str, None] = dict.fromkeys(
    ("panel", "label", "box", "text", "context", "kind", "score", "alignment_score", "status", "reason", "file")
)


def _dropped(listed: Listed, reason: str) -> Row:
    return {"row": listed.number, "image": listed.image, **_NOTHING, "status": "dropped", "reason": str(reason)}


def split_figure(content: bytes, caption: str | None, config: SplitConfig) -> list[Row]:
    """One row a panel of a picture that somebody has the bytes of, by the rules of the stage `split`.

    panel (from 0), label, box (x0, y0, x1, y1 in px of the upright picture), text, context (text amid what it shares;
    None where that adds nothing), kind, score, alignment_score, status, reason; a single row without a panel where the
    picture cannot be used.
    """
    image = {"image_key": "figure", "figure_key": "figure", "pmcid": None, "version": None}
    pixels, panels = split_image(image, {"caption": caption, "caption_markup": []}, content, config)
    figure = {"status": pixels["status"], "reason": pixels["reason"]}
    if not panels:
        return [{**_NOTHING, **figure}]
    return [{**_NOTHING, **figure, **_facts(panel, caption or "")} for panel in panels]


def _facts(panel: Mapping[str, Any], caption: str) -> Row:
    spans = [(span["start"], span["end"]) for span in (*panel["shared_spans"], *panel["subcaption_spans"])]
    whole = text_of(caption, spans)
    return {
        "panel": panel["order"],
        "label": panel["label"],
        "box": list(panel["box"].values()),
        "text": panel["subcaption"],
        "context": whole if whole and whole != panel["subcaption"] else None,
        "kind": panel["kind"],
        "score": round(panel["score"], 3),
        "alignment_score": None if panel["alignment_score"] is None else round(panel["alignment_score"], 3),
    }


def try_figure(path: Path, caption: str | None, drawing: Path, *, as_json: bool) -> None:
    """Print the panels of one picture with their texts, and draw them. Raises `UsageError` where it is no picture."""
    if drawing.suffix.lower() != ".png" or drawing.is_dir():
        raise UsageError(f"the drawing is a PNG, and {drawing} is none; --drawing NAME.png")
    content = _content(path)
    decoded = content if isinstance(content, RowReason) else decode(content)
    if isinstance(content, RowReason) or not isinstance(decoded, Decoded):
        raise UsageError(f"{path} is no picture that can be used: {decoded}")
    rows = split_figure(content, caption, SplitConfig())
    if rows[0]["panel"] is None:
        raise UsageError(f"{path} could not be split: {rows[0]['reason']}")
    marks = (Mark(tuple(row["box"]), row["label"], row["text"] or "", row["alignment_score"]) for row in rows)
    with atomic(drawing) as temporary, temporary.open("wb") as file:
        Drawing(decoded.image, tuple(marks)).picture().save(file, "PNG")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        print("\n".join(_told(rows)))
    log.info("drawn: %s", drawing)


def _told(rows: list[Row]) -> Iterator[str]:
    """What was found, for a person: a line a panel, with its letter, box, kind, certainty and text."""
    status, reason = rows[0]["status"], rows[0]["reason"]
    yield f"{len(rows)} panel{'s' * (len(rows) > 1)}, {status}{f' ({reason})' if reason else ''}"
    for row in rows:
        box = "x {}–{}, y {}–{}".format(*(row["box"][side] for side in (0, 2, 1, 3)))
        sure = "" if row["alignment_score"] is None else f"{row['alignment_score']:.2f}"
        name = row["label"] or str(row["panel"] + 1)
        yield harmless(f"{name:>3}  {box:24} {row['kind']:10} {sure:4} {row['text'] or row['context'] or ''}").rstrip()
