"""Files that are whole or absent, whenever a process dies and whenever the power goes."""

import os
import uuid
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Put `data` into `path`: under a temporary name, synced, renamed."""
    temporary = hidden(path)
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def share(path: Path, data: bytes) -> None:
    """The same into a folder that there need not be yet, where other processes may be writing the very file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{path.name}.{uuid.uuid4().hex}")  # processes of several machines may have one number
    write(own, data)
    own.replace(path)


def sweep(folder: Path, suffix: str) -> None:
    """Remove what killed processes left in a folder in which else all files end with the suffix."""
    for path in folder.glob("*"):
        if path.suffix != suffix:
            path.unlink()


def hidden(path: Path) -> Path:
    """The temporary name beside a path; nothing under such a name is ever read."""
    return path.with_name(f".{path.name}.tmp")


def sync_folder(path: Path) -> None:
    """Force the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
