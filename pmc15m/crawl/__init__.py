"""From a source to raw shards: catalog, selection, plan, fetching, verification."""

from pmc15m.crawl.catalog import index
from pmc15m.crawl.crawler import crawl
from pmc15m.crawl.status import status
from pmc15m.crawl.verify import checks

__all__ = ["checks", "crawl", "index", "status"]
