"""How much may still be written: the budget in bytes, and the disk."""

import enum
import shutil
from pathlib import Path

from pmc15m.config import CrawlConfig

_LOOK_AT_DISK_EVERY = 64 << 20  # bytes written


class Ending(enum.Enum):
    """Why a crawl ended."""

    DONE = "done"
    BUDGET = "crawl.max_bytes is reached"
    DISK = "the disk has less than crawl.min_free_bytes left"
    UNWRITABLE = "a file could not be written"


class Room:
    """Counts bytes. `ending` is DONE while there is room."""

    def __init__(self, root: Path, config: CrawlConfig, stored: int) -> None:
        self._root, self._config = root, config
        self.bytes = stored
        self.ending = Ending.DONE
        self._unlooked = 0

    @property
    def is_left(self) -> bool:
        """Whether anything more may be fetched."""
        return self.ending is Ending.DONE

    def take(self, count: int) -> None:
        """So many bytes more are on the disk."""
        self.bytes += count
        self._unlooked += count

    def look(self, *, at_disk: bool) -> None:
        """See whether there still is room; at the disk only where asked or where much was written since."""
        if 0 < self._config.max_bytes <= self.bytes:
            self.ending = Ending.BUDGET
        if at_disk or self._unlooked >= _LOOK_AT_DISK_EVERY:
            self._unlooked = 0
            if shutil.disk_usage(self._root).free < self._config.min_free_bytes:
                self.ending = Ending.DISK
