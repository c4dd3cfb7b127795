"""Errors that a user can mend, and the exit codes of `python -m train`.

The exceptions:

    TrainError            one line that says what is wrong and what to do; exit code 2
    ├── ConfigError       a key, a type or a value of the configuration
    ├── DataError         the exported data: missing, empty, torn
    ├── CheckpointError   a run folder, a checkpoint or a model of others that does not fit
    └── DivergedError     loss, gradient, weights or features are no finite numbers
"""

import enum


class ExitCode(enum.IntEnum):
    """What the command tells the shell."""

    COMPLETE = 0
    UNDONE = 1
    USAGE = 2
    INTERRUPTED = 130


class TrainError(Exception):
    """Base of all errors that the trainer raises on purpose."""


class ConfigError(TrainError):
    """An unknown key or an unusable value in the configuration."""


class DataError(TrainError):
    """The exported data cannot be read as the export contract says."""


class CheckpointError(TrainError):
    """A run folder, checkpoint or model that is absent, torn, or belongs to something else."""


class DivergedError(TrainError):
    """A loss, a gradient, weights or features with NaN or infinity in them."""
