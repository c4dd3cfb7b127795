"""A miniature PMC from a seed: the bucket's folder, and beside it the ground truth."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pmc15m import __version__
from pmc15m.demo.article import Article
from pmc15m.demo.builder import Builder, Settings
from pmc15m.demo.jats import article_text, article_xml
from pmc15m.demo.layout import add_inventory, inventory_rows, put_article, put_metadata, put_pmc_ids, read_metadata
from pmc15m.demo.odd_files import EMPTY_FILES
from pmc15m.demo.shapes import SHAPES
from pmc15m.demo.store import EPOCH, Bucket
from pmc15m.demo.truth import DemoTruth
from pmc15m.errors import UsageError

INVENTORY_DAYS = (
    datetime(2026, 10, 1, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 2, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 3, 1, 0, tzinfo=UTC),
)
"""An older inventory, the newest complete one, and one that is not finished yet."""
README_KEY = "README.txt"
README = "A generated miniature of the PMC Article Datasets; nothing in it is real.\n"


def generate(root: Path, *, seed: int = 0, articles: int = 60, figure_px: int = 620, plain: bool = False) -> DemoTruth:
    """Write a bucket of `articles` PMCIDs to the new or empty folder `root`, and the truth beside it.

    The same arguments give the same bytes; a bucket that they gave before is left as it is. `plain=True` with a
    small `figure_px` makes articles by the hundred for tests of the crawler. Raises `UsageError` when `root`
    holds anything else, ValueError for no articles at all.
    """
    if articles < 1:
        raise ValueError(f"cannot make {articles} articles")
    settings = Settings(seed, figure_px, plain)
    readme = f"{README}{articles} articles, {settings}, pmc15m {__version__}\n"
    if root.exists() and any(root.iterdir()):
        written = root / README_KEY
        if written.is_file() and written.read_text(encoding="utf-8") == readme:
            return DemoTruth.read(root)
        raise UsageError(f"{root} holds something else than this demo; take another folder with --workspace DIR")
    made = list(make_articles(settings, articles))
    truth = DemoTruth(root, tuple(article.truth() for article in made))
    root.parent.mkdir(parents=True, exist_ok=True)
    truth.write()
    bucket = make_bucket(made)
    bucket.put(README_KEY, readme.encode())
    # Written aside and renamed: a folder with something in it is always a whole bucket.
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    bucket.write(partial)
    partial.replace(root)
    return truth


def make_articles(settings: Settings, count: int) -> Iterator[Article]:
    """All versions of `count` PMCIDs: the shapes in turn."""
    for index in range(count):
        shape = SHAPES[index % len(SHAPES)]
        builder = Builder(settings, index, pmcid_number(index), shape.__name__)
        shape(builder)
        yield from builder.versions


def pmcid_number(index: int) -> int:
    """Numbers that PMC has not reached. Every tenth has a digit more, so that byte order is not number order, and
    begins as the one before it: a listing of the prefix "PMC70000008" finds two articles.
    """
    return (70_000_000 + index - 1) * 10 + 1 if index % 10 == 9 else 70_000_000 + index


def make_bucket(articles: list[Article]) -> Bucket:
    """The bucket that holds the articles: objects, metadata, inventories and PMC-ids.csv.gz."""
    bucket = Bucket()
    for index, article in enumerate(articles):
        put_article(
            bucket,
            article.metadata(),
            article_xml(article),
            text=article_text(article),
            pdf=EMPTY_FILES["pdf"] if article.has_pdf and not article.is_manuscript else None,
            media=article.media,
            last_modified=EPOCH + timedelta(minutes=index),
            percent_encoded=article.percent_encoded_urls,
        )
        if article.edit_json is not None:
            metadata = read_metadata(bucket, f"{article.pmcid}.{article.version}")
            put_metadata(bucket, article.edit_json(metadata), EPOCH + timedelta(minutes=index))
    older, newest, unfinished = INVENTORY_DAYS
    rows = inventory_rows(bucket)
    # Since the day before: the first article was changed, the last was added, another was removed.
    changed = (*rows[0][:2], "2026-08-01T00:00:00.000Z", "0" * 32)
    removed = (rows[0][0], "metadata/PMC69999999.1.json", "2026-08-01T00:00:00.000Z", "1" * 32)
    add_inventory(bucket, older, rows=[changed, *rows[1:-1], removed], shards=1)
    stray = (rows[0][0], "metadata/README.txt", "2026-08-01T00:00:00.000Z", "2" * 32)
    add_inventory(bucket, newest, rows=[*rows, stray])
    add_inventory(bucket, unfinished, finished=False)
    last_versions = {article.number: article for article in articles}.values()
    put_pmc_ids(bucket, (article.pmc_ids_row() for article in last_versions))
    return bucket
