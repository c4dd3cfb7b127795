"""pmc15m: rebuild PMC-15M, ask it questions in SQL, export subsets of it."""

from importlib.metadata import version as _version

__version__ = _version("pmc15m")
