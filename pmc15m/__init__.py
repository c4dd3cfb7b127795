"""pmc15m: rebuild PMC-15M, ask it questions in SQL, export subsets of it."""

__version__ = "0.1.0"
