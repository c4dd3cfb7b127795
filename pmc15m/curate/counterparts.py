"""Which links between captions of different articles join the two that stand for each other.

The ends of a link are classes of equal captions, and a class may span many articles.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Numbers = NDArray[np.int64]

_BATCH = 1 << 22  # articles looked at together: a boilerplate legend may have thousands, and thousands of links


@dataclass(frozen=True, slots=True)
class _Spread:
    """The articles of every class, each once, ordered by class."""

    first: _Numbers  # of each class: where its articles begin
    article: _Numbers  # numbered from 0 on
    key: _Numbers  # class and article in one number, ascending
    n_articles: int

    def key_of(self, item: _Numbers, article: _Numbers) -> _Numbers:
        """What `key` has where a class is in an article."""
        return item * self.n_articles + article

    def sizes(self, item: _Numbers) -> _Numbers:
        """How many articles each of the classes is in."""
        return self.first[item + 1] - self.first[item]


def counterparts(
    left: _Numbers, right: _Numbers, distance: NDArray[np.uint8], classes: _Numbers, articles: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """bool (links,): the links between two classes that share no article and are each other's closest.

    Caption n is in `classes[n]` and `articles[n]`. A link is closest if, for every article of one end, it is nearer
    than all other links of the other end with that article. A tie tells nobody apart, so all of it goes. What is left
    joins a class with at most one class of any article.
    """
    spread = _spread(classes, articles)
    return _closest(left, right, distance, spread) & _closest(right, left, distance, spread)


def _spread(classes: _Numbers, articles: NDArray[np.uint64]) -> _Spread:
    known, article = np.unique(articles, return_inverse=True)
    n_articles = max(1, len(known))
    key = np.unique(classes * n_articles + article)
    first = np.searchsorted(key // n_articles, np.arange(len(classes) + 1))
    return _Spread(first, key % n_articles, key, n_articles)


def _closest(item: _Numbers, other: _Numbers, distance: NDArray[np.uint8], spread: _Spread) -> NDArray[np.bool_]:
    """bool (links,): as seen from one end."""
    closest = np.zeros(len(item), bool)
    for links in _batches(item, spread.sizes(other)):
        closest[links] = _closest_of_batch(item[links], other[links], distance[links], spread)
    return closest


def _batches(item: _Numbers, sizes: _Numbers) -> Iterator[_Numbers]:
    """Links, those of an item together; a batch has about `_BATCH` articles, or one item."""
    order = np.argsort(item, kind="stable")
    starts = np.flatnonzero(np.diff(item[order], prepend=-1))
    before = (np.cumsum(sizes[order]) - sizes[order])[starts]
    yield from np.split(order, starts[np.flatnonzero(np.diff(before // _BATCH, prepend=0))])


def _closest_of_batch(
    item: _Numbers, other: _Numbers, distance: NDArray[np.uint8], spread: _Spread
) -> NDArray[np.bool_]:
    sizes = spread.sizes(other)
    link = np.repeat(np.arange(len(item)), sizes)  # a row for every article of the other end
    article = spread.article[np.arange(len(link)) + np.repeat(spread.first[other] - np.cumsum(sizes) + sizes, sizes)]
    key = spread.key_of(item[link], article)
    place = np.minimum(np.searchsorted(spread.key, key), len(spread.key) - 1)
    apart = np.ones(len(item), bool)
    apart[link[spread.key[place] == key]] = False

    link, key = link[apart[link]], key[apart[link]]
    order = np.lexsort((distance[link], key))
    link, key = link[order], key[order]
    better = np.zeros(len(link), bool)  # than the row behind it, if that is of the same item and article
    follows = key[1:] == key[:-1]
    better[:-1] = ~follows | (distance[link[:-1]] < distance[link[1:]])
    better[-1:] = True
    better[1:] &= ~follows
    closest = apart
    closest[link[~better]] = False
    return closest
