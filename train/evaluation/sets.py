"""What is known of a data set: a TOML file each in `sets/`, or one of the user's.

    title, source, licence, folder     folder: below `--data`
    metric                             accuracy, or auroc (two classes; the second one is the positive)
    classes, templates                 in their order; a template has `{}` where the class goes
    labels                             as stored → class; `ignored`: stored labels that are left out on purpose
    pixels                             [width, height] of every picture, where that is fixed
    notes                              what a reader of the figures must know
    [reader]                           kind and options, see `readers.py`; [reader.test], [reader.train] by split
    [n]                                examples a split officially has
    [sha256]                           of a split's list of names and labels, see `list_digest`
    [[published]]                      model, value, metric, version, source, of the test split

A number that nobody could look up is left out rather than guessed; a comment says why a set has no sha256.
"""

import dataclasses
import hashlib
import logging
import tomllib
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from train.errors import DataError

METRICS = ("accuracy", "auroc")
_REQUIRED = ("title", "source", "licence", "folder", "reader")

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A description."""

    name: str
    title: str
    source: str
    licence: str
    folder: str
    reader: Mapping[str, Any]
    metric: str = "accuracy"
    classes: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    pixels: tuple[int, ...] = ()
    notes: str = ""
    n: Mapping[str, int] = dataclasses.field(default_factory=dict)
    sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)
    published: tuple[Mapping[str, Any], ...] = ()

    def among(self, readers: Mapping[str, Any]) -> Any:
        """The reader of its kind. Raises `DataError`."""
        if (kind := self.reader.get("kind", "")) not in readers:
            raise DataError(f"{self.name}: reader.kind is one of {', '.join(readers)}, not {kind!r}")
        return readers[kind]

    def options(self, split: str) -> dict[str, Any]:
        """The reader's options of a split. Raises `DataError` when the set has no such split."""
        splits = {key: value for key, value in self.reader.items() if isinstance(value, Mapping)}
        if split not in splits:
            raise DataError(f"{self.name} has no {split} split; it has {', '.join(splits)}")
        return {key: value for key, value in self.reader.items() if key not in splits} | dict(splits[split])

    def where(self, data: Path) -> Path:
        return data / self.folder

    def departures(self, split: str, n: int, listed: str) -> tuple[str, ...]:
        """What a reader of figures of `n` examples must know, beside `notes`: whether they are the official ones."""
        found = ""
        if n != (official := self.n.get(split, n)):
            found = f"{n} {split} examples, officially {official}: figures are of other examples"
        elif listed != self.sha256.get(split, listed):
            found = f"other {split} examples or labels than the official ones: sha256 {listed[:12]}… of their list"
        if found:
            log.warning("%s: %s", self.name, found)
        return tuple(filter(None, (self.notes, found)))


def list_digest(lines: Iterable[str]) -> str:
    """sha256 of a split's list: a line an example, name without folders and suffix, blank, stored label; sorted."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def parsed(path: Path, parse: Callable[[str], Any], format_: str) -> Any:
    """What `parse` makes of a text file. Raises `DataError`."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:  # what the decoders of UTF-8, TOML and JSON raise
        raise DataError(f"{path} is not {format_}: {error}") from None


def shipped(kind: str) -> list[str]:
    """The names of all sets or suites."""
    return sorted(path.stem for path in (Path(__file__).parent / f"{kind}s").glob("*.toml"))


def read_described(kind: str, name: str, beside: Path, known: Set[str]) -> tuple[Path, dict[str, Any]]:
    """A set or suite by its name, or by the path of its TOML file, which may be relative to `beside`."""
    if not name.endswith(".toml") and name not in shipped(kind):
        raise DataError(f"unknown {kind} {name!r}; there are {', '.join(shipped(kind))}, or a TOML file of your own")
    path = beside / name if name.endswith(".toml") else Path(__file__).parent / f"{kind}s" / f"{name}.toml"
    tree = parsed(path, tomllib.loads, "TOML")
    if unknown := sorted(tree.keys() - known):
        raise DataError(f"{path}: unknown key {unknown[0]}; known: {', '.join(sorted(known))}")
    return path, tree


def load_set(name: str, beside: Path = Path()) -> DataSet:
    """As `read_described` finds it. Raises `DataError`."""
    known = {field.name for field in dataclasses.fields(DataSet)} - {"name"}
    path, tree = read_described("set", name, beside, known)
    if missing := [key for key in _REQUIRED if key not in tree]:
        raise DataError(f"{path} lacks {missing[0]}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in tree.items()}
    made = DataSet(name=path.stem, **values)
    if made.metric not in METRICS or (made.metric == "auroc" and len(made.classes) != 2):
        raise DataError(f"{path}: metric is one of {', '.join(METRICS)} (auroc: of two classes), not {made.metric!r}")
    if len(set(made.classes)) < len(made.classes):
        raise DataError(f"{path}: two classes have one name: {', '.join(made.classes)}")
    if absent := sorted(set(made.labels.values()) - set(made.classes)):
        raise DataError(f"{path}: labels lead to {absent[0]!r}, which is none of the classes {', '.join(made.classes)}")
    if unlabelled := [name for name in made.classes if made.labels and name not in made.labels.values()]:
        raise DataError(f"{path}: no label leads to the class {unlabelled[0]!r}")
    if without := [template for template in made.templates if template.count("{}") != 1]:
        raise DataError(f"{path}: a template has {{}} once where the class goes, not {without[0]!r}")
    return made
