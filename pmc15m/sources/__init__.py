"""Where articles come from: the PMC Cloud Service, a copy of it in a folder, kept `oa_package` tarballs."""

from pathlib import Path

from pmc15m.config import Config
from pmc15m.errors import SourceError
from pmc15m.sources.bucket import BucketSource
from pmc15m.sources.model import Source
from pmc15m.sources.stores import FolderStore, HttpStore
from pmc15m.sources.tarballs import PACKAGE, TarballFolder

__all__ = ["Source", "open_source"]


def open_source(config: Config, scratch: Path) -> Source:
    """The source that `config.source` names. Large objects pass through the folder `scratch`.

    Raises `SourceError` where nothing usable is there.
    """
    where = config.source
    if where.startswith(("http://", "https://")):
        return BucketSource(HttpStore(where, config.network, scratch), config.crawl.max_object_bytes)
    folder = Path(where.removeprefix("file://"))
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder} to read articles from")
    packages = sorted(path for path in folder.rglob("PMC*.tar.gz") if PACKAGE.fullmatch(path.name))
    if packages:
        return TarballFolder(folder, packages, config.crawl.max_object_bytes, scratch)
    return BucketSource(FolderStore(folder, scratch), config.crawl.max_object_bytes)
