"""Signs in a figure's own words that the article's licence may not cover it."""

import re

from pmc15m.jats.model import Rights

# Looked for first: the patterns are dear, and most captions hold none of these.
_PERMISSION_HINTS = ("permi", "licen", "consent", "reprint", "reproduced")
_COPYRIGHT_HINTS = ("©", "copyright", "(c) 1", "(c) 2", "(c)1", "(c)2")
_PERMISSION = re.compile(
    r"\b(?:(?:re)?(?:produced|printed|used|published)|adapted|modified|redrawn|taken|included|images?|figures?|courtesy)\b"
    r"[^.]{0,120}\b(?:with|by|under)\s+(?:the\s+)?(?:kind\s+|written\s+|prior\s+|official\s+)*"
    r"(?:permissions?|licen[cs]e|consent)\b|"
    r"\bpermission\s+(?:from|of|granted|obtained)\b|\bwith\s+permission\b|"
    r"\b(?:reproduced|reprinted)\s+(?:from|by\s+courtesy)\b|com\s+permissão|con\s+permiso",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(r"©|\b[Cc]opyright\b|\bCOPYRIGHT\b|\([Cc]\)\s*(?:19|20)\d\d,?\s+[A-Z]")


def rights_of(words: str, permissions: str | None) -> tuple[Rights, ...]:
    """What the caption and credit line (`words`) and the figure's own `permissions` say.

    'Reproduced with permission from …', '© 2017 Wiley' and any `permissions` element count.
    """
    found = [Rights.OWN_PERMISSIONS] if permissions else []
    folded = words.casefold()
    if any(hint in folded for hint in _PERMISSION_HINTS) and _PERMISSION.search(words):
        found.append(Rights.PERMISSION_PHRASE)
    if any(hint in folded for hint in _COPYRIGHT_HINTS) and _COPYRIGHT.search(words):
        found.append(Rights.COPYRIGHT_NOTICE)
    return tuple(found)
