"""`run --dry-run`: what would be fetched, before anything is. Nothing is written but a folder that goes again."""

import json
from contextlib import closing

from pmc15m.config import Config
from pmc15m.crawl.catalog import index, scratch_folder
from pmc15m.crawl.ledger import read_ledger
from pmc15m.crawl.plan import extend_plan
from pmc15m.crawl.planned import count_articles, read_plan
from pmc15m.crawl.select import read_condition
from pmc15m.sources import open_source
from pmc15m.sources.bucket import BucketSource
from pmc15m.workspace import Workspace, keep_twice

# Of a mean article of PMC: a metadata object, an XML of 100 KB, five pictures of 96 KB, 7 KB in tables.
_REQUESTS = 7
_FETCHED_BYTES = 100_000 + 5 * 96_000
_TABLE_BYTES = 7_000


def forecast(workspace: Workspace, config: Config, *, as_json: bool) -> str:
    """Articles, requests, bytes, hours and disk of the next `run`, as text or JSON. Raises `SourceError`.

    Articles are counted; the rest is arithmetic with means of PMC. What only an article's metadata can tell is not
    known yet: a selection by licence counts every article.
    """
    with scratch_folder(workspace) as scratch:
        trial = Workspace(scratch / "trial")
        if workspace.catalog.exists():
            trial.catalog.parent.mkdir(parents=True)
            trial.catalog.write_bytes(workspace.catalog.read_bytes())
            keep_twice(trial.catalog)
        index(trial, config, accept_removals=True)
        with closing(open_source(config, scratch)) as source:
            is_cloud = source.name == BucketSource.name
        ledger = read_ledger(workspace).last()
        extend_plan(trial, config, read_condition(config.select.where), ledger, scratch, is_cloud=is_cloud)
        articles = sum(count_articles([(shard, file) for shard in file.shards]) for file in read_plan(trial))
    requests, rate = articles * _REQUESTS, config.network.requests_per_s
    hours = requests / rate / 3600 if rate and is_cloud else 0.0
    fetched, kept = articles * _FETCHED_BYTES, articles * (_FETCHED_BYTES + _TABLE_BYTES)
    if as_json:
        facts = {"articles": articles, "requests": requests, "bytes": fetched, "hours": hours, "disk_bytes": kept}
        return json.dumps(facts)
    time = f"{hours:,.1f} hours at {rate:g} requests/s" if hours else "as fast as can be"
    return (
        f"{articles:,} article versions to fetch: about {requests:,} requests, {fetched / 1e9:,.1f} GB, {time}; "
        f"{kept / 1e9:,.1f} GB of disk before exports"
    )
