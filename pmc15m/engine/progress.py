"""A progress bar with rate and ETA on a terminal, a line every few seconds elsewhere; always on stderr."""

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

log = logging.getLogger(__name__)
_EVERY_S = 5.0


class Progress:
    """Counts finished units. `with Progress("parse", total=12, unit="shard") as p: p.advance(failures=0)`."""

    def __init__(self, name: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._total, self._unit, self._clock = name, total, unit, clock
        self._done = 0
        self._started = self._said = clock()
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=name, unit=unit, disable=not log.isEnabledFor(logging.INFO))

    def advance(self, steps: int = 1, **counts: int | str) -> None:
        """Say that `steps` more units are done, and what else is worth seeing (failures, MB/s …)."""
        self._done += steps
        shown = {key: value for key, value in counts.items() if value}
        if self._bar is not None:
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update(steps)
            return
        now = self._clock()
        if now - self._said >= _EVERY_S or self._done == self._total:
            self._said = now
            rate = self._done / max(now - self._started, 1e-9)
            left = (self._total - self._done) / rate if rate else 0
            extra = "".join(f", {key} {value}" for key, value in shown.items())
            log.info(
                "%s: %d of %d %ss, %.1f/s, %.0f s left%s",
                *(self._name, self._done, self._total, self._unit, rate, left, extra),
                extra={"facts": {"done": self._done, "total": self._total, "rate": rate, "left_s": left, **shown}},
            )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
