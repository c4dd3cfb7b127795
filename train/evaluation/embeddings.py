"""Pictures and texts to features, kept in files so that nothing is encoded twice.

    CACHE/<weights>-<pictures>/00001024.npy    (1024, D) fp32 from row 1024 on; a row of zeros = unreadable

The first half of the name is a fingerprint of the weights, the tokenizer and the way pictures are prepared, the second
one of the pictures: names, sizes and times of their files. A file is whole or absent, so the same command goes on where
it stopped. Of several processes each makes its share of the files, which must lie where all of them look.
"""

import dataclasses
import functools
import hashlib
import io
import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset

from train import files
from train.data import iter_batches
from train.distributed import World
from train.errors import DataError
from train.images import FORMATS, Crop, UnreadableImage, as_crop, centre_crop
from train.pretrained import Pretrained, load_model, read
from train.shards import Split
from train.tokens import encode
from train.towers import Clip

ROWS_PER_FILE = 1024
BATCH = 64  # pictures or texts at a time
PICTURES_FOR_WORKERS = 2000  # below, starting loader processes takes longer than they save

Prepare = Callable[[Image.Image], Crop]

log = logging.getLogger(__name__)


class Pictures(Protocol):
    """Numbered pictures."""

    fingerprint: str

    def __len__(self) -> int: ...

    def picture(self, row: int) -> Image.Image:
        """Raises `UnreadableImage`."""

    def name(self, row: int) -> str:
        """For messages."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A model ready to encode, with the preparation that its weights expect."""

    name: str
    model: Clip
    tokenizer: Tokenizer
    context_length: int
    prepare: Prepare
    device: torch.device
    width: int  # of the features
    bf16: bool = False
    workers: int = 0
    fingerprint: str = ""

    def images(self, crops: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 → (B, D) fp32 on the CPU."""
        return self._run(self.model.encode_image, crops)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """→ (texts, D) fp32 on the CPU."""
        return self._run(self.model.encode_text, torch.from_numpy(encode(self.tokenizer, texts, self.context_length)))

    @torch.no_grad()
    def _run(self, tower: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        training = self.model.training
        self.model.eval()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            features = tower(inputs.to(self.device)).cpu()
        self.model.train(training)
        return features


def load_encoder(path: Path, device: torch.device, workers: int = 0) -> Encoder:
    """A run's newest checkpoint, a checkpoint or an open_clip folder, in fp32. Raises `CheckpointError`.

    What we trained sees pictures as in training; weights of others see them exactly as open_clip prepares them.
    """
    source = read(path)
    model, tokenizer = load_model(source)
    return Encoder(
        name=path.name or str(path.resolve().name),
        model=model.to(device),
        tokenizer=tokenizer,
        context_length=source.config.data.context_length,
        prepare=preparation(source),
        device=device,
        width=source.config.embed_dim,
        workers=workers,
        fingerprint=_fingerprint(source, tokenizer),
    )


def preparation(source: Pretrained) -> Prepare:
    """How a picture becomes a crop for these weights."""
    data = source.config.data
    if source.meta is not None:
        return functools.partial(centre_crop, size=data.image_size, max_pixels=data.max_pixels)
    return functools.partial(open_clip_crop, size=data.image_size, **source.preparation)


def open_clip_crop(
    image: Image.Image, size: int, resize_mode: str = "shortest", interpolation: str = "bicubic", fill_color: int = 0
) -> Crop:
    """The (3, size, size) that open_clip's `image_transform` makes for evaluation, to the grey level.

    Its order: resize in the picture's own mode, crop at a whole pixel, then RGB; EXIF and transparency are ignored.
    """
    resample = Image.Resampling.BILINEAR if interpolation == "bilinear" else Image.Resampling.BICUBIC
    width, height = image.size
    if resize_mode == "squash":
        return as_crop(image.resize((size, size), resample).convert("RGB"))
    if resize_mode == "longest":
        ratio = max(width, height) / size
        resized = image.resize((round(width / ratio), round(height / ratio)), resample)
        padded = ((size - resized.width) // 2, (size - resized.height) // 2)
        sides = (*padded, size - resized.width - padded[0], size - resized.height - padded[1])
        return as_crop(ImageOps.expand(resized, sides, fill_color).convert("RGB"))
    shorter = min(width, height)
    resized = image.resize((int(size * width / shorter), int(size * height / shorter)), resample)
    left, top = round((resized.width - size) / 2), round((resized.height - size) / 2)
    return as_crop(resized.crop((left, top, left + size, top + size)).convert("RGB"))


def _fingerprint(source: Pretrained, tokenizer: Tokenizer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(source.weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    data, ours = source.config.data, source.meta is not None
    expected = [data.image_size, data.mean, data.std, ours, dict(source.preparation), data.context_length, source.bert]
    digest.update(json.dumps([tokenizer.to_str(), expected]).encode())
    return digest.hexdigest()[:16]


class SplitPictures:
    """The pictures of an exported split."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self.fingerprint = fingerprint_of(split.files, [split.name])

    def __len__(self) -> int:
        return sum(self._split.sizes)

    def picture(self, row: int) -> Image.Image:
        return open_picture(io.BytesIO(self._split.pair(row).image), FORMATS)

    def name(self, row: int) -> str:
        return self._split.where(row)


def open_picture(file: Any, formats: tuple[str, ...] | None = None) -> Image.Image:
    """A picture in an open file; decoded when it is prepared. Raises `UnreadableImage`."""
    try:
        return Image.open(file, formats=formats)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for torn files
        raise UnreadableImage(f"{type(error).__name__}: {error}") from None


def fingerprint_of(paths: Iterable[Path], words: Sequence[str] = ()) -> str:
    """Of names, sizes and times of files, and of what else the rows depend on."""
    digest = hashlib.sha256(json.dumps(list(words)).encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.parent.name}/{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


class _Crops(Dataset[tuple[Tensor, list[str]]]):
    """Item i: the crops of rows[i·B : (i+1)·B], black where unreadable, and why; B = `BATCH`."""

    def __init__(self, pictures: Pictures, rows: Sequence[int], prepare: Prepare) -> None:
        self._pictures, self._rows, self._prepare = pictures, rows, prepare

    def __len__(self) -> int:
        return -(-len(self._rows) // BATCH)

    def __getitem__(self, item: int) -> tuple[Tensor, list[str]]:
        crops: list[Crop | None] = []
        reasons = []
        for row in self._rows[item * BATCH : (item + 1) * BATCH]:
            try:
                crops.append(self._prepare(self._pictures.picture(row)))
                reasons.append("")
            except (UnreadableImage, OSError, ValueError, SyntaxError) as error:
                crops.append(None)
                reasons.append(f"{self._pictures.name(row)}: {error or type(error).__name__}")
        shape = next((crop.shape for crop in crops if crop is not None), (3, 1, 1))
        filled = [np.zeros(shape, dtype=np.uint8) if crop is None else crop for crop in crops]
        return torch.from_numpy(np.stack(filled)), reasons


def _features(encoder: Encoder, pictures: Pictures, rows: Sequence[int], whole: bool) -> Iterator[Tensor]:
    """(B, D) batch by batch; a row of zeros where a picture cannot be decoded, which the log names."""
    said = f"{encoder.name}, {pictures.name(0) if rows else ''} …"
    batches = _Crops(pictures, rows, encoder.prepare)
    workers = encoder.workers if len(rows) >= PICTURES_FOR_WORKERS else 0
    start = last = time.monotonic()
    with closing(iter_batches(batches, range(len(batches)), workers, pin=encoder.device.type == "cuda")) as made:
        for done, (crops, reasons) in enumerate(made, 1):
            readable = torch.tensor([not reason for reason in reasons])
            features = encoder.images(crops) if readable.any() else torch.zeros(len(crops), encoder.width)
            features[~readable] = 0
            for reason in filter(None, reasons):
                if whole:
                    raise DataError(f"a picture that cannot be used: {reason}")
                log.warning("left out: %s", reason)
            yield features
            if time.monotonic() - last > 10:
                last = time.monotonic()
                rate = done * BATCH / (last - start)
                left = (len(rows) - done * BATCH) / rate
                log.info("%s: %d of %d pictures, %.0f/s, %.0f s left", said, done * BATCH, len(rows), rate, left)


def embed_pictures(
    encoder: Encoder, pictures: Pictures, world: World, cache: Path | None = None, whole: bool = False
) -> Tensor:
    """(N, D) features of all pictures, on every process; a row of zeros = unreadable.

    `whole`: raise `DataError` for one that is.
    """
    n = len(pictures)
    if cache is not None:
        folder = cache / f"{encoder.fingerprint}-{pictures.fingerprint}"
        return _kept(folder, n, world, lambda rows: _features(encoder, pictures, rows, whole))
    # Each process takes every size-th row, the last one again where that makes too few.
    rows = [min(row, n - 1) for row in range(world.rank, n + -n % world.size, world.size)]
    mine = torch.cat([torch.zeros(0, encoder.width), *_features(encoder, pictures, rows, whole)]).to(world.device)
    parts = world.gather(mine).view(world.size, len(rows), -1)
    return parts.transpose(0, 1).reshape(world.size * len(rows), -1)[:n].cpu()


def embed_texts(encoder: Encoder, texts: Sequence[str], world: World, cache: Path | None = None) -> Tensor:
    """(texts, D), on every process."""

    def features(rows: Sequence[int]) -> Iterator[Tensor]:
        for start in range(0, len(rows), BATCH):
            yield encoder.texts([texts[row] for row in rows[start : start + BATCH]])

    if cache is None:
        return torch.cat([torch.zeros(0, encoder.width), *features(range(len(texts)))])
    digest = hashlib.sha256()
    for text in texts:
        digest.update(json.dumps(text).encode())
    return _kept(cache / f"{encoder.fingerprint}-{digest.hexdigest()[:16]}", len(texts), world, features)


def _kept(folder: Path, n: int, world: World, features: Callable[[Sequence[int]], Iterator[Tensor]]) -> Tensor:
    """All rows, from files; those that are not there are made first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {start: folder / f"{start:08d}.npy" for start in range(0, n, ROWS_PER_FILE)}
    missing = [start for start, path in paths.items() if not path.exists()][world.rank :: world.size]
    made = features([row for start in missing for row in range(start, min(start + ROWS_PER_FILE, n))])
    failure = None
    try:
        for start in missing:
            batches = itertools.islice(made, -(-min(ROWS_PER_FILE, n - start) // BATCH))
            stored = io.BytesIO()
            np.save(stored, torch.cat(list(batches)).numpy())
            files.write(paths[start], stored.getvalue())
    except DataError as error:
        failure = error
    if world.any(failure is not None):  # nobody waits for one that has stopped
        raise failure or DataError("another process met a picture that cannot be used")
    return torch.cat([torch.from_numpy(np.load(path)) for path in paths.values()]) if paths else torch.zeros(0, 0)
