"""Errors that a user can mend, and the exit codes of every command.

    Pmc15mError
    ├── UsageError        wrong use or bad input: one line, exit code 2
    │   └── ConfigError   a key, a type or a value in the configuration
    ├── DamageError       a file of the workspace is not as it was written: one line, and the next `run` mends it
    └── SourceError       the source as a whole is not usable (no inventory, no such folder): exit code 2

What is wrong with a single article, object, figure or panel is never an exception above its unit: it is a row
with a reason.
"""

import enum
from pathlib import Path


class ExitCode(enum.IntEnum):
    """What a command tells the shell."""

    COMPLETE = 0
    INCOMPLETE = 1  # something was left undone; `pmc15m status` says what
    USAGE = 2
    INTERRUPTED = 130


class Pmc15mError(Exception):
    """Base of all errors that this package raises on purpose."""


class UsageError(Pmc15mError):
    """Wrong use or bad input. The message says what is wrong and what to do."""


class ConfigError(UsageError):
    """An unknown key or an unusable value in the configuration."""


class DamageError(Pmc15mError):
    """A file of the workspace has other bytes than were written; nothing is made from it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path, what)
        self.path = path
        self.what = what

    def __str__(self) -> str:
        return f"{self.path} {self.what}; `pmc15m run` mends it"


class SourceError(Pmc15mError):
    """The source of the articles cannot be used at all."""
