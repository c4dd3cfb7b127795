"""pmc15m: rebuild PMC-15M, ask it questions in SQL, export subsets of it.

>>> import pmc15m
>>> pmc15m.split_caption("Lung (a) before and (b) after treatment.").labels
('a', 'b')

In Python: `connect`, `pairs` and `show` for a workspace; `separate`, `split_caption` and `parse_article` for figures,
captions and articles of one's own, without any. Each is loaded when it is first asked for.
"""

TYPE_CHECKING = False  # as type checkers know it; `typing` would be most of what importing this costs

if TYPE_CHECKING:
    from pmc15m.dataset.pairs import Pair, Pairs, pairs
    from pmc15m.dataset.show import show
    from pmc15m.figures.captions.split import split_caption
    from pmc15m.figures.separate import separate
    from pmc15m.jats.article import parse_article
    from pmc15m.query.connection import connect

__version__ = "0.1.0"
__all__ = ["Pair", "Pairs", "connect", "pairs", "parse_article", "separate", "show", "split_caption"]

_HOMES = {
    **dict.fromkeys(("Pair", "Pairs", "pairs"), "pmc15m.dataset.pairs"),
    "connect": "pmc15m.query.connection",
    "parse_article": "pmc15m.jats.article",
    "separate": "pmc15m.figures.separate",
    "show": "pmc15m.dataset.show",
    "split_caption": "pmc15m.figures.captions.split",
}


def __getattr__(name: str) -> object:  # PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
