"""From figures and panels to pairs: hashes, duplicates, splits, recipes."""

from pmc15m.curate.stage import checks, curate, curate_state

__all__ = ["checks", "curate", "curate_state"]
