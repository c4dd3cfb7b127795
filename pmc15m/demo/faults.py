"""How the imitation misbehaves: which fault meets which request, decided without regard to time or threads.

Fault(FaultKind.SLOW_DOWN, probability=0.1)                                   a tenth of all requests
Fault(FaultKind.WRONG_BYTES, keys="*.jpg", times=1)                           every picture once
Fault(FaultKind.WRONG_BYTES, keys="inventory-reports/*.csv.gz")               shards with bad checksums
Fault(FaultKind.INTERNAL_ERROR, keys="?*continuation-token=*", times=2)       a listing that fails half-way
Fault(FaultKind.CUT, keys="metadata/*")                                       JSON that is no JSON
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What goes wrong with one answer."""

    SLOW_DOWN = "slow_down"  # 503 SlowDown, with Retry-After where the fault names one
    INTERNAL_ERROR = "internal_error"  # 500
    FORBIDDEN = "forbidden"  # 403 AccessDenied
    NOT_FOUND = "not_found"  # 404 NoSuchKey although the object is listed
    RESET = "reset"  # the connection is reset before a byte is answered
    RESET_IN_BODY = "reset_in_body"  # ... after half of the body
    STALL = "stall"  # nothing for `seconds`, then the connection closes
    STALL_IN_BODY = "stall_in_body"  # half of the body, nothing for `seconds`, then the connection closes
    DRIP = "drip"  # the whole body, in small pieces spread over `seconds`
    TRUNCATED = "truncated"  # half of the body; Content-Length promises all of it
    CUT = "cut"  # half of the body and a Content-Length that agrees: only the md5 tells
    WRONG_BYTES = "wrong_bytes"  # one flipped bit, right length and ETag
    REPLACED = "replaced"  # the publisher replaces the object just before it is read; the JSON follows
    HTML = "html"  # 200 with a web page
    HUGE = "huge"  # 2 GiB of zeros after the body, as Content-Length says
    REDIRECT = "redirect"  # 307 to another host


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule: requests for keys that match `keys` (fnmatch) meet `kind`.

    A listing's key is its query as sent, "?list-type=2&prefix=…". `times=2` spares the third and later
    requests of each key; `times=None` never ends.
    """

    kind: FaultKind
    keys: str = "*"
    probability: float = 1.0
    times: int | None = None
    retry_after: int | None = None
    """Seconds, for SLOW_DOWN."""
    seconds: float = 0.05
    """How long a stall or a drip lasts."""

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"{self.kind}: probability {self.probability} is not between 0 and 1")


def choose_fault(faults: Sequence[Fault], seed: int, key: str, attempt: int) -> Fault | None:
    """The first rule that hits the `attempt`-th request (from 1) of `key`, or None.

    Depends on nothing but its arguments, so a test sees the same faults however many threads it uses.
    """
    for index, fault in enumerate(faults):
        if fault.times is not None and attempt > fault.times:
            continue
        if not fnmatchcase(key, fault.keys):
            continue
        digest = hashlib.blake2b(f"{seed}|{index}|{key}|{attempt}".encode(), digest_size=8).digest()
        if int.from_bytes(digest) < fault.probability * 2**64:
            return fault
    return None


def parse_faults(spec: str) -> tuple[Fault, ...]:
    """Read `kind[@pattern]=probability[xTIMES]`, comma-separated.

    >>> parse_faults("reset@*.jpg=0.02x1")[0].keys
    '*.jpg'

    Raises ValueError with one line that says what is wrong.
    """
    faults = []
    for part in filter(None, (part.strip() for part in spec.split(","))):
        name, _, amount = part.rpartition("=")
        kind, _, keys = name.partition("@")
        probability, _, times = amount.partition("x")
        try:
            faults.append(Fault(FaultKind(kind), keys or "*", float(probability), int(times) if times else None))
        except ValueError as error:
            known = ", ".join(FaultKind)
            raise ValueError(
                f"fault {part!r}: {error}; write kind[@pattern]=probability[xTIMES]; kinds: {known}"
            ) from None
    return tuple(faults)
