"""Errors that a user can mend, and the exit codes of every command.

    Pmc15mError
    ├── UsageError        wrong use or bad input: one line, exit code 2
    │   └── ConfigError   a key, a type or a value in the configuration
    └── SourceError       the source as a whole is not usable (no inventory, no such folder): exit code 2

What is wrong with a single article, object, figure or panel is never an exception above its unit: it is a row
with a reason.
"""

import enum


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


class SourceError(Pmc15mError):
    """The source of the articles cannot be used at all."""
