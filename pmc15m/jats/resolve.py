"""From the href of a graphic to the name of a file that is there. A guess is never made: no match has a reason."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

IMAGE_EXTENSIONS = ("jpg", "jpeg", "png", "png_l", "png_m", "webp", "tif", "tiff", "bmp", "gif", "png_s")
"""Known image extensions, best first when several files share a stem. A GIF beside anything else is a thumbnail;
`PNG_L`, `PNG_M` and `PNG_S` are the renditions that PLOS serves."""

OTHER_EXTENSIONS = ("eps", "pdf", "svg", "ai", "ps", "mp4", "avi", "mov", "wmv", "xml", "html", "htm")
_URL = re.compile(r"(?:https?|ftp|file|s3):(?=//)", re.IGNORECASE)


class Step(StrEnum):
    """Which comparison found the file, in the order they are tried."""

    EXACT = "exact"
    BASENAME = "basename"
    """The last part of a path or URL, percent-decoded, in Unicode NFC."""
    CASEFOLDED = "casefolded"
    PLOS = "plos"
    """The last part of `info:doi/…` without `journal.`."""
    STEM = "stem"
    """The same stem with a known image extension."""


class NoFile(StrEnum):
    """Why no file was found."""

    EMPTY = "empty"
    MISSING = "missing"
    AMBIGUOUS = "ambiguous"
    EXTERNAL = "external"
    """An address on another host, and no file of that name here."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Either a name and the step that found it, or a reason. `href` is the rendition that was found."""

    name: str | None = None
    step: Step | None = None
    reason: NoFile | None = None
    href: str | None = None


class FileNames:
    """The names of the files at hand, ready for look-up. Names are compared by their last path part."""

    __slots__ = ("_by_fold", "_by_name", "_by_stem")

    def __init__(self, names: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_fold: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for name in dict.fromkeys(names):
            key = _basename(name)
            self._by_name[key].append(name)
            self._by_fold[key.casefold()].append(name)
            if (known := extension(key)) in IMAGE_EXTENSIONS:
                stem = key[: -len(known) - 1].casefold()
                self._by_stem[stem].append((IMAGE_EXTENSIONS.index(known), name))

    def find(self, href: str) -> Resolution:
        """Look one href up."""
        if not href.strip():
            return Resolution(reason=NoFile.EMPTY)
        keys = list(self._keys(href.strip()))
        for step, names in (*self._images(keys), *self._stems(href.strip()), *keys):
            if len(names) > 1:
                return Resolution(reason=NoFile.AMBIGUOUS, href=href)
            if names:
                return Resolution(names[0], step, None, href)
        return Resolution(reason=NoFile.EXTERNAL if _URL.match(href.strip()) else NoFile.MISSING, href=href)

    def _keys(self, href: str) -> Iterator[tuple[Step, list[str]]]:
        candidates = list(_candidates(href))
        exact = self._by_name.get(href, [])
        # `a%20b.jpg` is an address of `a b.jpg`; with files of both names, which one is meant nobody knows.
        encoded = self._by_name.get(decoded, []) if exact and (decoded := unquote(href)) != href else []
        yield Step.EXACT, exact + encoded
        for key in candidates:
            plos = f"journal.{key}" in candidates
            yield Step.PLOS if plos else Step.BASENAME, self._by_name.get(key, [])
        for key in candidates:
            yield Step.CASEFOLDED, self._by_fold.get(key.casefold(), [])

    @staticmethod
    def _images(keys: list[tuple[Step, list[str]]]) -> Iterator[tuple[Step, list[str]]]:
        """Hits that are not named like another format: `f1.eps` yields to the `f1.jpg` beside it."""
        for step, names in keys:
            yield step, [name for name in names if extension(name) not in OTHER_EXTENSIONS]

    def _stems(self, href: str) -> Iterator[tuple[Step, list[str]]]:
        for key in _candidates(href):
            known = extension(key)
            found = self._by_stem.get((key[: -len(known) - 1] if known else key).casefold(), [])
            best = min(found, default=None)
            yield Step.STEM, [name for rank, name in found if best and rank == best[0]]


def resolve_graphic(href: str, names: Iterable[str] | FileNames, alternatives: Iterable[str] = ()) -> Resolution:
    """The file that an href means, among the names of the files at hand.

    `alternatives` (`Graphic.alternatives`, best first) are tried only if the href itself has no file. The name
    returned is one of `names`, never a path out of the XML.
    """
    files = names if isinstance(names, FileNames) else FileNames(names)
    first = files.find(href)
    if first.name is not None or first.reason is NoFile.AMBIGUOUS:
        return first
    for other in alternatives:
        found = files.find(other)
        if found.name is not None:
            return found
    return first


def extension(name: str) -> str | None:
    """The known extension of a file name, lower case; null if what follows the last dot is none."""
    last = name.rpartition(".")[2].casefold()
    return last if "." in name and (last in IMAGE_EXTENSIONS or last in OTHER_EXTENSIONS) else None


def _basename(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])


def _candidates(href: str) -> Iterator[str]:
    """Names under which the file of an href may lie, best first."""
    path = re.split(r"[?#]", href)[0].rstrip("/")
    names = dict.fromkeys((_basename(href), _basename(path), _basename(unquote(path))))
    for key in names:
        if key:
            yield key
    for key in names:
        if key.startswith("journal."):
            yield key.removeprefix("journal.")
