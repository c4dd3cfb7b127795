"""From figures and panels to pairs: hashes, duplicates, splits, recipes."""

from pmc15m.curate.stage import curate, curate_state

__all__ = ["curate", "curate_state"]
