"""PMCIDs, keys and file names: what may be asked of a source and written into a tar.

An object's key is built from PMCID, version and the file's own name. Nothing that an answer contains can make it
anything else: a name is one part of a path, without control characters, of a bounded length.
"""

import hashlib
import re
import unicodedata

BUCKET = "pmc-oa-opendata"
PMCID = re.compile(r"PMC[1-9][0-9]{0,11}")
METADATA_KEY = re.compile(r"metadata/(PMC[1-9][0-9]{0,11})\.([1-9][0-9]{0,5})\.json")
_MAX_NAME_BYTES = 200
_DRIVE = re.compile(r"[A-Za-z]:")


_OUTSIDE_PMC = 900_000_000_000  # PMC's own numbers have eight digits


def number_outside_pmc(identifier: str) -> str:
    """What stands for the PMCID of an article that PMC does not have: `PMC9` and eleven digits, always the same."""
    digest = int.from_bytes(hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()[:8])
    return f"PMC{_OUTSIDE_PMC + digest % 100_000_000_000}"


def is_safe_name(name: str) -> bool:
    """Whether a name is a plain file name on every system."""
    if name in ("", ".", "..") or len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        return False
    if "/" in name or "\\" in name or _DRIVE.match(name):
        return False
    # Cc control characters, Cs lone surrogates, Zl and Zp line breaks
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name)


def metadata_key(pmcid: str, version: int) -> str:
    """Key of an article version's metadata."""
    return f"metadata/{pmcid}.{version}.json"


def object_key(pmcid: str, version: int, name: str) -> str:
    """Key of an object of an article version. Raises `ValueError` for what is no plain name."""
    if not PMCID.fullmatch(pmcid) or version < 0 or not is_safe_name(name):
        raise ValueError(f"no key for {pmcid!r} {version!r} {name!r}")
    return f"{pmcid}.{version}/{name}"
