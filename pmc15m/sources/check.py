"""The last look at an object that was received whole."""

from pmc15m.sources.content import Content
from pmc15m.sources.model import ObjectStatus, Reason, Role, StoredObject
from pmc15m.sources.sniff import HEAD_BYTES, sniff_format

# Formats that a medium may have and a figure's picture cannot; what nobody can name is left to the decoder.
_NO_PICTURES = frozenset(
    {"html", "xml", "pdf", "zip", "gzip", "mp4", "quicktime", "avi", "webm", "flv", "mpeg", "wmv", "ole"}
)


def checked(role: Role, name: str, content: Content, published_md5: str | None) -> StoredObject:
    """An object that was received whole: stored, unless it is a medium that cannot be a picture."""
    found = sniff_format(content.head(HEAD_BYTES))
    reason = None
    if role is Role.MEDIA:
        reason = Reason.EMPTY if content.size == 0 else Reason.NOT_AN_IMAGE if found in _NO_PICTURES else None
    return StoredObject(
        role=role,
        name=name,
        status=ObjectStatus.OK if reason is None else ObjectStatus.SKIPPED,
        reason=reason,
        published_md5=published_md5,
        content=content if reason is None else None,
        format=found,
    )
