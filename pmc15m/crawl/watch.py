"""What is seen of a crawl while it runs: articles, objects and bytes a second, failures by reason."""

import time
from collections import Counter
from collections.abc import Callable

from pmc15m.engine.progress import Progress
from pmc15m.sources.model import ArticleStatus, ObjectStatus, StoredArticle


class Watch:
    """Counts what is written and shows it on a progress line."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._clock = clock
        self._started = clock()
        self._objects = self._bytes = 0
        self._failures: Counter[str] = Counter()

    def found(self, articles: int) -> None:
        """Articles that an interrupted crawl left."""
        if articles:
            self._progress.advance(articles)

    def add(self, article: StoredArticle) -> None:
        """One more article is written."""
        contents = [item.content for item in article.objects if item.content is not None]
        self._objects += len(contents)
        self._bytes += sum(content.size for content in contents)
        if article.status is ArticleStatus.FAILED:
            self._failures[str(article.reason)] += 1
        else:
            self._failures.update(str(item.reason) for item in article.objects if item.status is ObjectStatus.FAILED)
        seconds = max(self._clock() - self._started, 1e-9)
        rates: dict[str, int | str] = {"objects/s": round(self._objects / seconds)}
        rates["MB/s"] = f"{self._bytes / seconds / 1e6:.2f}"
        self._progress.advance(1, **rates, **self._failures)
