"""Text of strangers for a terminal."""

import unicodedata

# Cc: control characters; Cf: bidirectional overrides, zero-width characters; Zl, Zp: line and paragraph separators.
_OBEYED = ("Cc", "Cf", "Zl", "Zp")
_KNOWN = {"\n": "\\n", "\t": "\\t"}


def harmless(text: str) -> str:
    """The text as one line, with the characters that a terminal would obey as escapes."""
    if text.isprintable():
        return text
    return "".join(
        _escaped(character) if unicodedata.category(character) in _OBEYED else character for character in text
    )


def _escaped(character: str) -> str:
    return _KNOWN.get(character, f"\\u{ord(character):04x}")
