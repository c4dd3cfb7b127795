"""ListObjectsV2: the query parameters of one request in, the XML page that S3 answers out."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from pmc15m.demo.store import BUCKET_NAME, Bucket

MAX_KEYS = 1000
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


class InvalidListing(ValueError):
    """A parameter that S3 answers with 400 InvalidArgument."""


@dataclass(slots=True)
class _Page:
    keys: list[str] = field(default_factory=list)
    common_prefixes: list[str] = field(default_factory=list)
    last: str = ""
    """The key or common prefix after which the next page begins."""
    truncated: bool = False


def list_objects(bucket: Bucket, query: Mapping[str, str], page_limit: int = MAX_KEYS) -> str:
    """The answer to `GET /?list-type=2&…` (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).

    `page_limit` caps max-keys, so that paging happens in a small bucket too.
    Raises InvalidListing for a max-keys that is no number and for a token this bucket did not give out.
    """
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    try:
        max_keys = min(int(query.get("max-keys", MAX_KEYS)), page_limit)
    except ValueError:
        raise InvalidListing("Provided max-keys not an integer or within integer range") from None
    if max_keys < 0:
        raise InvalidListing("Argument maxKeys must be an integer between 0 and 2147483647")
    token = query.get("continuation-token")
    page = _page(
        bucket, prefix, delimiter, max_keys, query.get("start-after", "") if token is None else _open_token(token)
    )

    url_encoded = query.get("encoding-type") == "url"

    def text(key: str) -> str:
        return quote(key, safe="/") if url_encoded else escape(key)

    def element(name: str, value: str | None) -> str:
        return "" if value is None else f"<{name}>{value}</{name}>"

    parts = [
        element("Name", BUCKET_NAME),
        element("Prefix", text(prefix)),
        element("NextContinuationToken", _make_token(page.last) if page.truncated else None),
        element("ContinuationToken", None if token is None else escape(token)),
        element("StartAfter", text(query["start-after"]) if "start-after" in query else None),
        element("KeyCount", str(len(page.keys) + len(page.common_prefixes))),
        element("MaxKeys", str(max_keys)),
        element("Delimiter", text(delimiter) if delimiter else None),
        element("EncodingType", "url" if url_encoded else None),
        element("IsTruncated", str(page.truncated).lower()),
    ]
    for key in page.keys:
        stored = bucket[key]
        parts += [
            "<Contents>",
            element("Key", text(key)),
            element("LastModified", iso_milliseconds(stored.last_modified)),
            element("ETag", f"&quot;{bucket.etag(key)}&quot;"),
            element("ChecksumAlgorithm", "CRC64NVME"),
            element("Size", str(stored.size)),
            element("StorageClass", "INTELLIGENT_TIERING"),
            "</Contents>",
        ]
    parts += [f"<CommonPrefixes><Prefix>{text(name)}</Prefix></CommonPrefixes>" for name in page.common_prefixes]
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'{XML_DECLARATION}<ListBucketResult xmlns="{namespace}">{"".join(parts)}</ListBucketResult>'


def iso_milliseconds(moment: datetime) -> str:
    """2026-01-08T11:47:59.000Z, as listings and inventories write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _page(bucket: Bucket, prefix: str, delimiter: str, max_keys: int, after: str) -> _Page:
    page = _Page()
    for key in bucket.keys(prefix, after):
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[: end + len(delimiter)] if end >= 0 else None
        if group is not None and group in (page.last, after):
            continue  # the prefix stands on this page or on the one before
        if len(page.keys) + len(page.common_prefixes) == max_keys:
            page.truncated = max_keys > 0
            return page
        if group is None:
            page.keys.append(key)
        else:
            page.common_prefixes.append(group)
        page.last = group or key
    return page


def _make_token(last: str) -> str:
    """Opaque, and with characters that a careless client forgets to percent-encode."""
    return "1+" + base64.b64encode(last.encode()).decode() + "="


def _open_token(token: str) -> str:
    try:
        if not (token.startswith("1+") and token.endswith("=")):
            raise ValueError
        return base64.b64decode(token[2:-1], validate=True).decode()
    except (ValueError, binascii.Error):
        raise InvalidListing("The continuation token provided is incorrect") from None
