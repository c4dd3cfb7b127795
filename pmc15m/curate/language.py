"""A second opinion on the language of a text: by its script, or by the commonest words of six languages.

Captions are short, full of numbers and names, and English more often than not; so no opinion is given on thin
evidence (statistical detectors take "H&E x 400" for anything).
"""

import re
import unicodedata

# Function words that the other five languages do not have; "a", "in", "de" … tell nothing.
_WORDS = {
    "en": "the of and with was were is are by for from which this that at on not after between each as shown",
    "es": "el los las y con fue fueron es son por una del al se entre según muestra desde después como más",
    "pt": "o os e com foi foram são por uma do da dos das ao à não entre após mostra pelo pela mais em",
    "fr": "le les et avec était sont par une des du au aux est dans pour après chez sur entre montre",
    "de": "der die das und mit wurde wurden ist sind durch eine des dem den von nach bei zwischen zeigt im",
    "it": "il gli e con è stato sono da una del della dei delle nel nella dopo tra mostra lo al",
}
_LANGUAGES: dict[str, set[str]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, set()).add(_language)

_SCRIPTS = {"CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "ru", "ARABIC": "ar"}
_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 3  # words of evidence


def guess_language(text: str) -> str | None:
    """ISO 639-1 code, or None where the text does not tell."""
    if by_script := _by_script(text):
        return by_script
    votes = dict.fromkeys(_WORDS, 0.0)
    for word in _WORD.findall(text.lower()):
        spoken = _LANGUAGES.get(word, ())
        for language in spoken:
            votes[language] += 1 / len(spoken)
    (first, most), (_, second) = sorted(votes.items(), key=lambda vote: -vote[1])[:2]
    return first if most >= _LEAST and most >= 2 * second else None


def _by_script(text: str) -> str | None:
    """The language of a script that is not Latin and makes up most letters; characters with kana are Japanese."""
    foreign = [character for character in text if ord(character) > 0x3FF and character.isalpha()]
    if len(foreign) * 2 <= sum(map(str.isalpha, text)):
        return None
    found = {_SCRIPTS.get(unicodedata.name(character, "").split(" ")[0]) for character in foreign}
    return next((language for language in ("ja", "ko", "zh", "ru", "ar") if language in found), None)
