"""Errors that a user can mend, each one line that says what is wrong and what to do, and the exit codes."""

import enum


class ExitCode(enum.IntEnum):
    """What the command tells the shell."""

    COMPLETE = 0
    UNDONE = 1
    USAGE = 2
    INTERRUPTED = 130


class TrainError(Exception):
    """Base of all errors that the trainer raises on purpose; exit code 2."""


class ConfigError(TrainError):
    """An unknown key or an unusable value in the configuration."""


class DataError(TrainError):
    """The exported data cannot be read as the export contract says."""


class CheckpointError(TrainError):
    """A run folder, checkpoint or model that is absent, torn, or belongs to something else."""


class DivergedError(TrainError):
    """A loss, a gradient, weights or features with NaN or infinity in them."""
