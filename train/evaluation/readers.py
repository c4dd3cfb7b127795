"""Labelled pictures from the layouts that people download.

    folders      a folder a class: `path`
    table        CSV: `file`, `image` (one or several patterns such as "images/{image_id}.jpg"), `label` (a column), and
                 optionally `where` (column → values)
    hdf5         PCam: `images`, `labels`, with the keys x and y
    npz          MedMNIST: `file` (the first that is there), with `<split>_images` and `<split>_labels`
    webdataset   CLIP_benchmark's `wds_*`: `path` with 0.tar …, samples of a picture and a `.cls`; classes and templates
                 from the files that lie with them

What people's copies usually lack or have too much of is a `DataError` of one line: a class nobody knows, a class that
is not there, a table that names pictures that are not there, pictures of another size.
"""

import csv
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from train.errors import DataError
from train.evaluation.embeddings import Pictures, fingerprint_of, open_picture
from train.evaluation.sets import DataSet, list_digest
from train.images import UnreadableImage
from train.shards import IMAGE_SUFFIXES, read_at, sorted_by_numbers, tar_groups

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
DICOM = (".dcm", ".dicom")

Labels = np.ndarray[Any, np.dtype[np.int64]]


class Found(NamedTuple):
    """What a reader finds of a split: one name, label and picture an example."""

    names: Sequence[str]  # the same in every copy of the set, but for folders and suffixes
    stored: Sequence[str]  # the labels as stored
    files: Sequence[Path]  # what the examples are made of
    opened: Callable[[int], Image.Image]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Labelled(Pictures):
    """Pictures, each with the number of its class."""

    labels: Labels
    listed: str  # the `list_digest`
    notes: Sequence[str]


def open_set(described: DataSet, data: Path, split: str) -> Labelled:
    """A split of a set below the folder `data`. Raises `DataError`."""
    read = described.among(READERS)
    try:
        found: Found = read(described, described.where(data), described.options(split), split)
    except KeyError as error:
        raise DataError(f"{described.name}: the reader {described.reader['kind']} lacks the option {error}") from None
    numbers = {label: described.classes.index(name) for label, name in described.labels.items()}
    numbers = numbers or {str(number): number for number in range(len(described.classes))}
    known = {*numbers, *described.ignored}
    if unknown := Counter(label for label in found.stored if label not in known):
        (label, count), *_ = unknown.most_common(1)
        said = f"{count} examples have the label {label!r}, which leads to no class; known: {', '.join(numbers)}"
        raise DataError(f"{described.name}: {said}")
    kept = [row for row, label in enumerate(found.stored) if label in numbers]
    labels: Labels = np.array([numbers[found.stored[row]] for row in kept], dtype=np.int64)
    if absent := [name for number, name in enumerate(described.classes) if number not in labels]:
        raise DataError(f"{described.name}: no picture of the class {absent[0]!r}")
    listed = list_digest(f"{PurePath(found.names[row]).stem} {found.stored[row]}" for row in kept)

    def picture(row: int) -> Image.Image:
        image = found.opened(kept[row])
        if described.pixels and image.size != described.pixels:
            expected = " × ".join(map(str, described.pixels))
            raise UnreadableImage(f"{image.width} × {image.height} px, the official pictures are {expected}")
        return image

    return Labelled(
        count=len(kept),
        picture=picture,
        name=lambda row: found.names[kept[row]],
        fingerprint=fingerprint_of(found.files, [found.names[row] for row in kept]),
        labels=labels,
        listed=listed,
        notes=described.departures(split, len(kept), listed),
    )


def named(described: DataSet, data: Path) -> DataSet:
    """The set with the classes and templates that lie beside its shards, where the description leaves them to those."""
    if described.classes:
        return described
    found: list[tuple[str, ...]] = []
    for name in ("classnames.txt", "zeroshot_classification_templates.txt"):
        path = described.where(data) / name
        if not path.exists():
            raise DataError(f"{described.name}: there is no {path}, and the description names no classes")
        found.append(tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()))
    classes, templates = found
    return dataclasses.replace(
        described, classes=classes, templates=tuple(line.replace("{c}", "{}") for line in templates)
    )


def _folders(described: DataSet, root: Path, options: Mapping[str, Any], _split: str) -> Found:
    base = root / options["path"]
    if not base.is_dir():
        raise DataError(f"{described.name}: there is no folder {base}; it should hold a folder a class")
    found = sorted(path.name for path in base.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    known = [*described.labels, *described.ignored]
    if extra := [name for name in found if name not in known]:
        raise DataError(f"{base} has a folder {extra[0]!r}, which is no class; known: {', '.join(known)}")
    if absent := [name for name in described.labels if name not in found]:
        raise DataError(f"{base} has no folder {absent[0]!r}; it has {', '.join(found) or 'none'}")
    paths, stored = [], []
    for name in described.labels:
        pictures = sorted(path for path in (base / name).iterdir() if path.suffix.lower() in SUFFIXES)
        if not pictures:
            raise DataError(f"{base / name} holds no pictures ({', '.join(SUFFIXES)})")
        paths += pictures
        stored += [name] * len(pictures)
    return Found([str(path.relative_to(root)) for path in paths], stored, paths, lambda row: open_file(paths[row]))


def _table(described: DataSet, root: Path, options: Mapping[str, Any], _split: str) -> Found:
    file, patterns, column = root / options["file"], _listed(options["image"]), options["label"]
    labels: dict[tuple[str, ...], str] = {}  # of each picture; tables of boxes have a row a box
    for row in read_table(file):
        try:
            is_wanted = all(row[name] in values for name, values in options.get("where", {}).items())
            label, names = row[column], tuple(pattern.format(**row) for pattern in patterns)
        except KeyError as error:
            raise DataError(f"{file} has no column {error}; its columns are {', '.join(row)}") from None
        if is_wanted and labels.setdefault(names, label) != label:
            raise DataError(f"{file} gives {names[0]} two labels, {labels[names]!r} and {label!r}")
    paths = [next((root / name for name in names if (root / name).exists()), None) for names in labels]
    if absent := [names[0] for names, path in zip(labels, paths, strict=True) if path is None]:
        raise DataError(f"{file} names {len(labels)} pictures, of which {len(absent)} are not there: {absent[0]}, …")
    found = [path for path in paths if path is not None]
    keys = [str(path.relative_to(root)) for path in found]
    return Found(keys, list(labels.values()), [file, *found], lambda row: open_file(found[row]))


def _hdf5(described: DataSet, root: Path, options: Mapping[str, Any], _split: str) -> Found:
    paths = [root / options["images"], root / options["labels"]]
    h5py = _optional("h5py", "HDF5")
    for path in paths:
        if not path.exists():
            packed = "; it lies there packed: gunzip it first" if path.with_name(f"{path.name}.gz").exists() else ""
            raise DataError(f"{described.name}: there is no file {path}{packed}")
    try:
        images = h5py.File(paths[0])["x"]  # stays open: HDF5 lets one thread read at a time
        labels = h5py.File(paths[1])["y"][()]
    except (OSError, KeyError) as error:
        raise DataError(f"{paths[0].parent}: {paths[0].name}, {paths[1].name}: {str(error).splitlines()[0]}") from None
    return _arrays(paths, images, labels)


def _npz(described: DataSet, root: Path, options: Mapping[str, Any], split: str) -> Found:
    names = _listed(options["file"])
    path = next((root / name for name in names if (root / name).exists()), None)
    if path is None:
        raise DataError(f"{described.name}: {root} has none of the files {', '.join(names)}")
    try:
        with np.load(path) as arrays:  # allows no pickles
            images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is not as MedMNIST writes it: {error}") from None
    return _arrays([path], images, labels)


def _arrays(paths: Sequence[Path], images: Any, labels: Any) -> Found:
    """(N, H, W) or (N, H, W, 3) pictures in the first file, and N labels."""
    if images.ndim not in (3, 4) or labels.size != len(images) or images.dtype != np.uint8:
        said = f"{images.shape} {images.dtype} pictures do not fit {labels.shape} labels, one each"
        raise DataError(f"{paths[0]}: {said}")
    names = [f"{paths[0].name}/{row}" for row in range(len(images))]
    stored = [str(int(label)) for label in labels.reshape(-1)]
    return Found(names, stored, paths, lambda row: Image.fromarray(images[row]))


def _webdataset(described: DataSet, root: Path, options: Mapping[str, Any], _split: str) -> Found:
    tars = sorted_by_numbers((root / options["path"]).glob("*.tar"))
    if not tars:
        raise DataError(f"{described.name}: {root / options['path']} holds no shards (0.tar …)")
    count = root / options["path"] / "nshards.txt"
    if count.exists() and count.read_text().strip() != str(len(tars)):
        raise DataError(f"{count} says {count.read_text().strip()} shards, there are {len(tars)}")
    places: list[tuple[Path, int, int]] = []
    names, stored = [], []
    for tar in tars:
        with tar.open("rb") as file:
            for key, found in tar_groups(tar):
                image = next((found[suffix] for suffix in IMAGE_SUFFIXES if suffix in found), None)
                if image is None or "cls" not in found:
                    raise DataError(f"{tar}: the sample {key} lacks a picture or its .cls")
                places.append((tar, *image))
                names.append(f"{tar.name}/{key}")
                stored.append(read_at(file, *found["cls"]).decode("ascii", errors="replace").strip())

    def opened(row: int) -> Image.Image:
        path, start, size = places[row]
        with path.open("rb") as file:
            return open_picture(read_at(file, start, size))

    return Found(names, stored, tars, opened)


READERS = {"folders": _folders, "table": _table, "hdf5": _hdf5, "npz": _npz, "webdataset": _webdataset}


def open_file(path: Path) -> Image.Image:
    """A picture of any format that sets come in, DICOM included. Raises `UnreadableImage`."""
    if path.suffix.lower() in DICOM:
        return _dicom(path)
    return open_picture(path.read_bytes())


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header. Raises `DataError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the table {path}: {error}") from None
    if not rows:
        raise DataError(f"the table {path} holds no rows")
    if any(None in row.values() or None in row for row in rows):  # csv's signs of a row with other fields
        raise DataError(f"{path} has rows with fewer or more fields than its header; is ',' its delimiter?")
    return rows


def _dicom(path: Path) -> Image.Image:
    """The first frame as a viewer shows it: grey rescaled, through its window, MONOCHROME1 inverted; colours as RGB."""
    pydicom = _optional("pydicom", "DICOM")
    from pydicom import pixels

    try:
        stored = pydicom.dcmread(path)
        values = pixels.pixel_array(stored, index=0)
        if stored.PhotometricInterpretation == "PALETTE COLOR":
            values = pixels.apply_color_lut(values, stored)
        if values.ndim == 3:
            return Image.fromarray((values >> 8 if values.itemsize > 1 else values).astype(np.uint8))
        values = pixels.apply_voi_lut(pixels.apply_modality_lut(values, stored), stored)
    except Exception as error:  # decoders raise what they like
        raise UnreadableImage(f"{type(error).__name__}: {[*str(error).splitlines(), ''][0]}") from None
    grey = np.asarray(values, dtype=np.float64)
    if stored.BitsAllocated > 8 or grey.min() < 0 or grey.max() > 255:
        grey = (grey - grey.min()) / max(np.ptp(grey), 1e-9) * 255
    if stored.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    return Image.fromarray(np.rint(grey).astype(np.uint8))


def _optional(package: str, format_: str) -> Any:
    try:
        return __import__(package)
    except ModuleNotFoundError:
        raise DataError(f"{package} reads {format_} and is not installed: pip install {package}") from None


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
