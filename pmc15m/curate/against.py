"""Pictures of a benchmark that training data must stay away from (`curate.against`).

Either a folder of pictures (with folders in it), or a text file with one 64-bit perceptual hash a line, as 16 hex
digits, with or without more columns behind it: what `python -m pmc15m.curate.against FOLDER` prints, so that a
benchmark can be shared as hashes where its pictures may not.

Those who made the benchmark may have altered its pictures, so each stands there with the hashes that it may have had
before (`hashes_before`): that costs nothing beside as many for every picture of the workspace.
"""

import hashlib
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmc15m.errors import UsageError

log = logging.getLogger(__name__)
_LINE = re.compile(r"(?:0x)?([0-9a-fA-F]{16})\b")


def read_benchmark(against: str) -> NDArray[np.uint64]:
    """Distinct perceptual hashes of a benchmark, ascending; none for an empty name. Raises `UsageError`."""
    if not against:
        return np.empty(0, np.uint64)
    path = Path(against)
    if path.is_dir():
        found = [value for _, value in hash_folder(path)]
    else:
        found = [_hash_of(path, number, line) for number, line in enumerate(_lines(path), 1) if line.strip()]
    if not found:
        raise UsageError(f"curate.against: {against} holds no picture and no hash")
    return np.unique(np.array(found, np.uint64))


def benchmark_digest(against: str) -> str:
    """What a fingerprint needs of a benchmark: the content of the file, or names, sizes and times of the pictures."""
    if not against:
        return ""
    path = Path(against)
    if not path.exists():
        raise UsageError(f"curate.against: there is no {against}; name a folder of pictures, or a file of hashes")
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    stats = [(file.relative_to(path).as_posix(), file.stat()) for file in _files(path)]
    facts = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def hash_folder(folder: Path) -> Iterator[tuple[Path, int]]:
    """Perceptual hashes of every picture below a folder that has some, in the order of their names."""
    from pmc15m.pictures.decode import Decoded, decode  # here, so that `status` answers without loading decoders
    from pmc15m.pictures.hashes import hashes_before, working_picture

    for file in _files(folder):
        decoded = decode(file.read_bytes())
        values = hashes_before(working_picture(decoded.image)) if isinstance(decoded, Decoded) else ()
        if not values:
            log.warning("curate.against: no perceptual hash of %s", file)
        yield from ((file, value) for value in sorted(values))


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"curate.against: cannot read {path} as a file of hashes: {error}") from None


def _hash_of(path: Path, number: int, line: str) -> int:
    match = _LINE.match(line.strip())
    if match is None:
        raise UsageError(f"curate.against: {path} line {number} does not begin with a hash of 16 hex digits")
    return int(match[1], 16)


if __name__ == "__main__":
    for picture, value in hash_folder(Path(sys.argv[1])):
        print(f"{value:016x}\t{picture.name}")
