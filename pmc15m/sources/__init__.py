"""Where articles come from: the PMC Cloud Service, a copy of it in a folder, kept packages, loose JATS files."""

import re
from pathlib import Path

from pmc15m.config import Config, public_address
from pmc15m.errors import SourceError
from pmc15m.objects import SCHEMES
from pmc15m.sources.model import Source

__all__ = ["Source", "open_source"]


def open_source(config: Config, scratch: Path) -> Source:
    """The source that `config.source` names. Large objects pass through the folder `scratch`.

    http(s)://…/oa_file_list.csv is a site with packages; any other URL is a bucket, also s3://…, gs://… and az://….
    A folder that holds `metadata/` or `inventory-reports/` is a bucket's copy, any other one is searched for packages,
    and where there are none for articles as loose files. Raises `SourceError` where nothing usable is there.
    """
    # Here, because a stage that reads what a source said needs no client.
    from pmc15m.sources.bucket import BucketSource
    from pmc15m.sources.folder import ArticleFolder, find_articles
    from pmc15m.sources.stores import FolderStore, HttpStore, ObjectStore
    from pmc15m.sources.tarballs import PACKAGE, TarballFolder, TarballSite

    where, limit = config.source, config.crawl.max_object_bytes
    if where.lower().startswith(("http://", "https://")):
        if re.split(r"[?#]", where)[0].endswith(".csv"):
            return TarballSite(where, config.network, limit, scratch)
        return BucketSource(HttpStore(where, config.network, scratch), limit)
    if where.partition("://")[0].lower() in SCHEMES:
        return BucketSource(ObjectStore(where, config.network, scratch), limit)
    folder = Path(where.removeprefix("file://"))
    if not folder.is_dir():
        if "://" in where and not where.startswith("file://"):
            raise SourceError(f"{public_address(where)} is neither an address of http(s), s3, gs or az nor a folder")
        raise SourceError(f"there is no folder {folder} to read articles from")
    if not any((folder / name).is_dir() for name in ("metadata", "inventory-reports")):
        packages = sorted(path for path in folder.rglob("PMC*.tar.gz") if PACKAGE.fullmatch(path.name))
        if packages:
            return TarballFolder(folder, packages, limit, scratch)
        if articles := find_articles(folder):
            return ArticleFolder(folder, articles, limit, scratch)
        lacking = "no inventory-reports/, no metadata/, no PMC*.tar.gz, no article as .nxml, .xml or .meca"
        raise SourceError(f"{folder} is no source: {lacking}")
    return BucketSource(FolderStore(folder, scratch), limit)
