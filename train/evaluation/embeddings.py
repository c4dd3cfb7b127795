"""Pictures and texts to features, kept in files so that nothing is encoded twice.

    CACHE/<weights>-<pictures>/00001024.npy    (1024, D) fp32 from row 1024 on; a row of zeros = unreadable

The first half of the name is a fingerprint of the weights, the tokenizer and the way pictures are prepared, the second
one of the pictures: names, sizes and times of their files. A file is whole or absent, so the same command goes on where
it stopped. Of several processes each makes its share of the files, which must lie where all of them look.
"""

import contextlib
import dataclasses
import functools
import hashlib
import io
import itertools
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor

from train import files
from train.config import Config
from train.distributed import World
from train.errors import DataError
from train.images import FORMATS, Crop, UnreadableImage, centre_crop, open_clip_crop
from train.pretrained import Pretrained, load_model, read
from train.shards import Split
from train.tokens import encode
from train.towers import Clip

ROWS_PER_FILE = 1024
BATCH = 64  # pictures or texts at a time
AHEAD = 3  # batches that are decoded while one is encoded

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Numbered pictures."""

    count: int
    picture: Callable[[int], Image.Image]  # raises `UnreadableImage`
    name: Callable[[int], str]  # for messages
    fingerprint: str = ""

    def __len__(self) -> int:
        return self.count


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A model ready to encode on the processes of `world`, with the preparation that its weights expect."""

    name: str
    model: Clip
    tokenizer: Tokenizer
    config: Config
    world: World
    prepare: Callable[[Image.Image], Crop]
    bf16: bool = False
    workers: int = 0  # threads that decode beside the one that encodes
    fingerprint: str = ""
    cache: Path | None = None  # where features and answers are kept

    @classmethod
    def of(cls, config: Config, model: Clip, tokenizer: Tokenizer, world: World, **more: Any) -> "Encoder":
        """Of what we trained: it sees pictures as in training."""
        data = config.data
        prepare = functools.partial(centre_crop, size=data.image_size, max_pixels=data.max_pixels)
        given = {"name": "the run", "prepare": prepare, **more}
        return cls(model=model.to(world.device), tokenizer=tokenizer, config=config, world=world, **given)

    def images(self, crops: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 → (B, D) fp32 on the CPU."""
        return self._run(self.model.encode_image, crops)

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """→ (texts, L) on the device."""
        encoded = encode(self.tokenizer, texts, self.config.data.context_length)
        return torch.from_numpy(encoded).to(self.world.device)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """→ (texts, D) fp32 on the CPU."""
        return self._run(self.model.encode_text, self.tokens(texts))

    @torch.no_grad()
    def _run(self, tower: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        training, device = self.model.training, self.world.device
        self.model.eval()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bf16):
            features = tower(inputs.to(device)).cpu()
        self.model.train(training)
        return features


def load_encoder(path: Path, world: World, workers: int = 0, cache: Path | None = None) -> Encoder:
    """A run's newest checkpoint, a checkpoint or an open_clip folder, in fp32. Raises `CheckpointError`.

    Weights of others see pictures exactly as open_clip prepares them.
    """
    source = read(path)
    model, tokenizer = load_model(source)
    more: dict[str, Any] = {"name": path.resolve().name, "workers": workers, "cache": cache}
    if source.meta is None:
        more["prepare"] = functools.partial(open_clip_crop, size=source.config.data.image_size, **source.preparation)
    fingerprint = _fingerprint(source, tokenizer)
    return Encoder.of(source.config, model, tokenizer, world, fingerprint=fingerprint, **more)


def _fingerprint(source: Pretrained, tokenizer: Tokenizer) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(source.weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    data, ours = source.config.data, source.meta is not None
    expected = [data.image_size, data.mean, data.std, ours, dict(source.preparation), data.context_length, source.bert]
    digest.update(json.dumps([tokenizer.to_str(), expected]).encode())
    return digest.hexdigest()[:16]


def split_pictures(split: Split) -> Pictures:
    """The pictures of an exported split."""
    reading = threading.Lock()  # a split serves one thread at a time

    def picture(row: int) -> Image.Image:
        with reading:
            stored = split.pair(row).image
        return open_picture(stored, FORMATS)

    fingerprint = fingerprint_of(split.files, [split.name])
    return Pictures(count=sum(split.sizes), picture=picture, name=split.where, fingerprint=fingerprint)


def open_picture(stored: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Decoded when it is prepared. Raises `UnreadableImage`."""
    try:
        return Image.open(io.BytesIO(stored), formats=formats)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for torn files
        raise UnreadableImage(f"{type(error).__name__}: {error}") from None


def fingerprint_of(paths: Iterable[Path], words: Sequence[str] = ()) -> str:
    """Of names, sizes and times of files, and of what else the rows depend on."""
    digest = hashlib.sha256(json.dumps(list(words)).encode())
    for path in paths:
        stat = path.stat()
        digest.update(f"{path.parent.name}/{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _features(encoder: Encoder, pictures: Pictures, rows: Sequence[int], whole: bool) -> Iterator[Tensor]:
    """(B, D) batch by batch; a row of zeros where a picture cannot be decoded."""
    start = last = time.monotonic()
    made = 0
    for batch in prepared(encoder, pictures, rows, whole):
        crops = {place: crop for place, crop in enumerate(batch) if crop is not None}
        features = torch.zeros(len(batch), encoder.config.embed_dim)
        if crops:
            features[list(crops)] = encoder.images(torch.from_numpy(np.stack(list(crops.values()))))
        yield features
        made += len(batch)
        if time.monotonic() - last > 10:
            last = time.monotonic()
            rate = made / (last - start)
            said = f"{encoder.name}, {pictures.name(rows[0])} …: {made} of {len(rows)} pictures, {rate:.0f}/s"
            log.info("%s, %.0f s left", said, (len(rows) - made) / rate)


def prepared(encoder: Encoder, pictures: Pictures, rows: Sequence[int], whole: bool) -> Iterator[list[Crop | None]]:
    """A crop of each picture, a batch a time; None for one that cannot be decoded, or `DataError` (`whole`).

    By threads: Pillow lets go of the interpreter while it decodes and resizes, and nothing of a set is copied.
    """

    def crop(row: int) -> Crop | None:
        try:
            return encoder.prepare(pictures.picture(row))
        except (UnreadableImage, OSError, ValueError, SyntaxError) as error:
            said = f"{pictures.name(row)}: {error or type(error).__name__}"
        if whole:
            raise DataError(f"a picture that cannot be used: {said}")
        log.warning("left out: %s", said)
        return None

    waiting: deque[Iterator[Crop | None]] = deque()
    with ThreadPoolExecutor(max(1, encoder.workers)) as threads:
        try:
            for start in range(0, len(rows), BATCH):
                waiting.append(threads.map(crop, rows[start : start + BATCH]))
                if len(waiting) > AHEAD:
                    yield list(waiting.popleft())
            yield from map(list, waiting)
        finally:  # nobody waits for what nobody will use
            threads.shutdown(cancel_futures=True)


def embed_pictures(encoder: Encoder, pictures: Pictures, whole: bool = False) -> Tensor:
    """(N, D) features of all pictures, on every process; a row of zeros = unreadable.

    `whole`: raise `DataError` for one that is.
    """
    features = functools.partial(_features, encoder, pictures, whole=whole)
    return _embedded(encoder, len(pictures), pictures.fingerprint, features)


def embed_texts(encoder: Encoder, texts: Sequence[str]) -> Tensor:
    """(texts, D), on every process."""

    def features(rows: Sequence[int]) -> Iterator[Tensor]:
        for start in range(0, len(rows), BATCH):
            yield encoder.texts([texts[row] for row in rows[start : start + BATCH]])

    return _embedded(encoder, len(texts), fingerprint_of([], texts), features)


def _embedded(
    encoder: Encoder, n: int, fingerprint: str, features: Callable[[Sequence[int]], Iterator[Tensor]]
) -> Tensor:
    """All rows, of which each process makes its share."""
    world, width = encoder.world, encoder.config.embed_dim
    if encoder.cache is None:
        share = -(-n // world.size)
        rows = [min(row, n - 1) for row in range(world.rank * share, (world.rank + 1) * share)]
        with _together(world):
            mine = torch.cat([torch.zeros(0, width), *features(rows)])
        return world.gather(mine.to(world.device))[:n].cpu()
    folder = encoder.cache / f"{encoder.fingerprint}-{fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {start: folder / f"{start:08d}.npy" for start in range(0, n, ROWS_PER_FILE)}
    missing = [start for start, path in paths.items() if not path.exists()][world.rank :: world.size]
    made = features([row for start in missing for row in range(start, min(start + ROWS_PER_FILE, n))])
    with _together(world):
        for start in missing:
            batches = itertools.islice(made, -(-min(ROWS_PER_FILE, n - start) // BATCH))
            stored = io.BytesIO()
            np.save(stored, torch.cat(list(batches)).numpy())
            files.write(paths[start], stored.getvalue())
    kept = torch.zeros(n, width)  # filled file by file: two of these are 3 GB at 726,000 pairs
    for start, path in paths.items():
        kept[start : start + ROWS_PER_FILE] = torch.from_numpy(np.load(path))
    return kept


@contextlib.contextmanager
def _together(world: World) -> Iterator[None]:
    """Where one process fails, all do: nobody waits for one that has stopped. Raises `DataError`."""
    failure: Exception | None = None
    try:
        yield
    except (DataError, OSError) as error:
        failure = error
    if world.any(failure is not None):
        raise failure or DataError("another process met a picture that cannot be used")
