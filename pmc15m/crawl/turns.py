"""The order of writing: articles are fetched in any order and written in that of the plan, as far as memory allows."""

from collections.abc import Iterator
from dataclasses import dataclass

from pmc15m.sources.model import StoredArticle, Wanted

_WAITING_BYTES = 64 << 20  # of articles that came before their turn


@dataclass(frozen=True, slots=True)
class Job:
    """The versions of one PMCID, to be fetched into a shard."""

    number: int  # in the order of the plan, from 0
    shard: str
    versions: tuple[Wanted, ...]


Result = tuple[Job, list[StoredArticle]]


class Turns:
    """Results that wait for those of earlier jobs."""

    def __init__(self) -> None:
        self._waiting: dict[int, Result] = {}
        self._bytes = 0
        self._early: set[int] = set()  # handed out before their turn
        self._next = 0

    def add(self, job: Job, articles: list[StoredArticle]) -> None:
        """Let a result wait."""
        self._waiting[job.number] = job, articles
        self._bytes += _size(articles)

    def due(self) -> Iterator[Result]:
        """Those whose turn it is, in order; where too many bytes wait for one article, all of them out of turn."""
        while self._next in self._waiting or self._next in self._early:
            number, self._next = self._next, self._next + 1
            if number in self._early:
                self._early.remove(number)
            else:
                yield self._take(number)
        if self._bytes > _WAITING_BYTES:
            for number in sorted(self._waiting):
                self._early.add(number)
                yield self._take(number)

    def rest(self) -> Iterator[Result]:
        """All that wait, in order."""
        for number in sorted(self._waiting):
            yield self._take(number)

    def _take(self, number: int) -> Result:
        job, articles = self._waiting.pop(number)
        self._bytes -= _size(articles)
        return job, articles


def _size(articles: list[StoredArticle]) -> int:
    return sum(item.content.size for article in articles for item in article.objects if item.content is not None)
