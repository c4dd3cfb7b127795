"""The dataset in a browser: a gallery to choose from, the story of every figure and pair, marks. See `server`."""

from pmc15m.browse.server import browse

__all__ = ["browse"]
