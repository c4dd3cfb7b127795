"""One shard's work: from its planned pairs to the training shard, and the side table with what became of each.

Apart from the code that plans, so that a worker's process loads no more than it needs.
"""

import hashlib
import itertools
import logging
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import PIL
import pyarrow as pa

from pmc15m.config import as_dict
from pmc15m.errors import DamageError
from pmc15m.export.columns import OUTCOME, POINTER, SAMPLE, chosen
from pmc15m.export.folder import write_pictures
from pmc15m.export.huggingface import write_huggingface
from pmc15m.export.layout import Layout, describe
from pmc15m.export.order import Order
from pmc15m.export.picture import Cut, Picture, PictureError, make_pictures
from pmc15m.export.shards import Shard
from pmc15m.export.state import VERSION
from pmc15m.export.webdataset import write_webdataset
from pmc15m.export.written import written_pictures
from pmc15m.pictures.decode import DecodeError
from pmc15m.workspace import Workspace, atomic, fingerprint, leave_to_store, read_facts, read_part, write_part

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Spooled:
    """A picture whose bytes wait in the spool."""

    picture: Picture
    start: int
    size: int
    sha256: str


_OF_PICTURES = (  # settings
    *("image_format", "image_side", "image_fit", "jpeg_quality", "panel_margin", "allow_derivatives_of_nd"),
)
_ORIGIN = ("sha256", "box", "licence_code")  # what a row's picture is made of
_WAS = [
    *("pair_key", *_ORIGIN),
    *("export_sha256", "export_width", "export_height", "export_conversion", "export_extension"),
]
_Outcome = _Spooled | PictureError | DecodeError


def _spooled(picture: Picture, sha256: str, spool: BinaryIO) -> _Spooled:
    start = spool.tell()
    spool.write(picture.content)
    return _Spooled(replace(picture, content=b""), start, len(picture.content), sha256)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class WriteShard:
    """Writes one shard; the number of its pairs. Picklable."""

    workspace: Workspace
    order: Order
    layout: Layout

    def __call__(self, shard: Shard) -> int:
        plan = read_part(self.layout.planned(shard))
        rows = plan.to_pylist()
        data = self.layout.data(shard)
        with tempfile.TemporaryFile(dir=self.layout.plan.parent) as spool:
            pictures = self._pictures(rows, self._kept(shard, rows, spool), spool)
            outcomes = [_outcome(picture) for picture in pictures]
            samples = self._samples(rows, outcomes, pictures, spool)
            self.layout.keep_before(str(shard), self.layout.rows(shard))
            if self.layout.is_foldered:
                write_pictures(data, samples)
            else:
                with atomic(data) as temporary:
                    spans = self._write(temporary, samples, rows)
                successes = (outcome for outcome in outcomes if outcome["export_status"] == "success")
                for outcome, span in zip(successes, spans, strict=False):
                    outcome["export_span"] = span
        written = pa.Table.from_pylist(outcomes, schema=OUTCOME)
        plan = plan.drop_columns(list(POINTER))
        for name in written.column_names:
            plan = plan.append_column(name, written[name])
        pairs = sum(outcome["export_status"] == "success" for outcome in outcomes)
        facts = {"data": describe(data), "pairs": pairs, "pictures": self._drawn_as}
        write_part(self.layout.rows(shard), plan, shard.made_from, **facts)
        leave_to_store(data)
        self.layout.planned(shard).unlink(missing_ok=True)
        return len(outcomes)

    def _write(
        self, path: Path, samples: Iterator[tuple[dict[str, Any], Picture]], rows: list[dict[str, Any]]
    ) -> list[list[int]]:
        """Where the samples lie in the file; nothing where that is not said."""
        settings, columns = self.order.settings, chosen(self.order.settings.columns)
        if self.layout.format == "webdataset":
            return write_webdataset(path, samples, "webp" if settings.image_format == "webp" else "jpg")
        if self.layout.format == "hf":
            write_huggingface(path, samples, columns)
        else:
            from pmc15m.export.interleaved import (  # here, as it brings the parser of articles
                find_xml,
                write_interleaved,
            )

            stored = find_xml(self.workspace, {(row["pmcid"], row["version"]): row["shard"] for row in rows})
            write_interleaved(path, self.workspace, samples, stored, columns)
        return []

    @property
    def _drawn_as(self) -> str:
        """The fingerprint of what makes a picture of stored bytes and a box."""
        settings = as_dict(self.order.settings)
        return fingerprint("pictures", VERSION, {name: settings[name] for name in _OF_PICTURES}, [PIL.__version__])

    def _kept(self, shard: Shard, rows: list[dict[str, Any]], spool: BinaryIO) -> dict[str, _Spooled]:
        """By key, pictures of the shard as it stands that would be made again as they are; their bytes are checked."""
        kept: dict[str, _Spooled] = {}
        try:
            if (read_facts(self.layout.rows(shard)) or {}).get("pictures") != self._drawn_as:
                return {}
            before = {row["pair_key"]: row for row in read_part(self.layout.rows(shard), _WAS).to_pylist()}
            same = {row["pair_key"] for row in rows if _origin(row) == _origin(before.get(row["pair_key"], {}))}
            for key, content in written_pictures(self.layout, shard):
                if key in same and _digest(content) == (was := before[key])["export_sha256"]:
                    told = (was[f"export_{name}"] for name in ("width", "height", "conversion"))
                    kept[key] = _spooled(Picture(was["export_extension"], content, *told), was["export_sha256"], spool)
        except (OSError, DamageError, ValueError, tarfile.TarError) as error:
            log.debug("export: %s is not read for its pictures: %s", shard, error)
        return kept

    def _pictures(self, rows: list[dict[str, Any]], kept: Mapping[str, _Spooled], spool: BinaryIO) -> list[_Outcome]:
        """What became of each row's picture. Each stored picture is read and decoded once, for all its rows.

        The encoded ones wait in the spool: the order of the rows is another one.
        """
        made: list[_Outcome] = [kept.get(row["pair_key"], PictureError.EMPTY_BOX) for row in rows]
        places = [place for place, row in enumerate(rows) if row["pair_key"] not in kept]
        places.sort(key=lambda place: (rows[place]["shard"], rows[place]["offset"], place))
        for _, group in itertools.groupby(places, key=lambda place: rows[place]["image_key"]):
            sharing = list(group)
            stored = rows[sharing[0]]
            # Bytes that are not as they were fetched fail the shard: the next crawl mends them, then the next export.
            content = self.workspace.read(stored["shard"], stored["offset"], stored["size"], stored["sha256"])
            cuts = [Cut(rows[place]["box"], self._may_alter(rows[place])) for place in sharing]
            for place, picture in zip(sharing, make_pictures(content, cuts, self.order.settings), strict=True):
                if isinstance(picture, Picture):
                    made[place] = _spooled(picture, _digest(picture.content), spool)
                else:
                    made[place] = picture
        return made

    def _may_alter(self, row: dict[str, Any]) -> bool:
        return self.order.settings.allow_derivatives_of_nd or not (row["licence_code"] or "").endswith("ND")

    def _samples(
        self, rows: list[dict[str, Any]], outcomes: list[dict[str, Any]], pictures: list[_Outcome], spool: BinaryIO
    ) -> Iterator[tuple[dict[str, Any], Picture]]:
        """The pairs that have a picture, in the order of the plan; for rows of articles, article by article."""
        columns: Sequence[str] = chosen(self.order.settings.columns)
        places: Iterable[int] = range(len(rows))
        if self.layout.format == "interleaved":
            columns = SAMPLE.names
            places = sorted(places, key=lambda place: (rows[place]["article_hash"], rows[place]["version"], place))
        for place in places:
            spooled = pictures[place]
            if isinstance(spooled, _Spooled):
                spool.seek(spooled.start)
                yield (
                    self.order.sample(rows[place] | outcomes[place], columns),
                    replace(spooled.picture, content=spool.read(spooled.size)),
                )


def _origin(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _ORIGIN)


def _outcome(made: _Outcome) -> dict[str, Any]:
    """The row of a picture in `OUTCOME`."""
    if not isinstance(made, _Spooled):
        return dict.fromkeys(OUTCOME.names) | {"export_status": "failed", "export_reason": made}
    return {
        "export_status": "success",
        "export_reason": None,
        "export_width": made.picture.width,
        "export_height": made.picture.height,
        "export_sha256": made.sha256,
        "export_extension": made.picture.extension,
        "export_conversion": made.picture.conversion,
        "export_span": None,
    }
