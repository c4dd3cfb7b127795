"""Labels and citations of figures: 'Figure 2', 'Figs 1–3', 'Fig. 2B,C' → series, numbers, panels."""

import re
from dataclasses import dataclass
from functools import lru_cache

_SERIES = """
figure: figure figures fig figs figura figuras image images imagen imagem abbildung abbildungen abb gráfica
scheme: scheme schemes schema esquema esquemas
chart: chart charts gráfico gráficos grafico graficos
plate: plate plates lámina prancha
other: quadro quadros cuadro data box table tabela tabla map mapa video movie
"""
_SERIES_OF = {
    word: series
    for series, words in (line.split(": ") for line in _SERIES.strip().splitlines())
    for word in words.split()
}

_TOKEN = re.compile(r"\d{1,4}|[^\W\d_]+")
_SUPPLEMENT = re.compile(r"^(fig(?:ure)?)(s)(?=\d)", re.IGNORECASE)
"""'figs1' is Figure S1, not 'Figs 1'."""
_ROMAN = re.compile(r"(?:X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}
_START = re.compile(
    r"(?:(?:supplementa(?:ry|l)|extended data)\s+)?"
    r"(?:figures?|figs?|figuras?|schemes?|charts?|plates?|abbildung|abb|gráficos?|esquemas?)\.?\s*"
    r"(?:[A-Z]{0,2}\d{1,4}(?:\.\d{1,3})*[A-Za-z]?|[IVX]{1,5})(?![\w-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label taken apart.

    'Figure 6—figure supplement 8A' has the stem ('figure', '6', 'figure', 'supplement'), the number 8 and the
    rest 'A'. Labels of one stem are a series, which ranges can be written out in.
    """

    stem: tuple[str, ...]
    number: int
    rest: str

    @property
    def main_number(self) -> int | None:
        """The number in the main series of figures, also of what hangs on one of them; null outside it."""
        if self.stem == ("figure",):
            return self.number
        return int(self.stem[1]) if self.stem[0] == "figure" and self.stem[1].isdecimal() else None


@lru_cache(maxsize=4096)
def parse_label(label: str | None) -> Label | None:
    """Take a label apart; null without a number ('(a)', 'Graphical abstract')."""
    tokens = _TOKEN.findall(_SUPPLEMENT.sub(r"\1 \2", label or ""))
    last = next((place for place in reversed(range(len(tokens))) if tokens[place].isdecimal()), None)
    if last is not None:
        number = int(tokens[last])
    elif len(tokens) > 1 and tokens[0].casefold() in _SERIES_OF and _ROMAN.fullmatch(tokens[1]):
        last, number = 1, _roman(tokens[1])
    else:
        return None
    stem = tuple(_SERIES_OF.get(token.casefold(), token.casefold()) for token in tokens[:last])
    return Label(stem or ("figure",), number, " ".join(tokens[last + 1 :]))


def _roman(digits: str) -> int:
    values = [_ROMAN_DIGITS[digit] for digit in digits]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


@lru_cache(maxsize=4096)
def label_series(label: str | None) -> str | None:
    """'figure', 'scheme', 'chart', 'plate' or 'other' by the first word that says so; null if none does."""
    for word in re.findall(r"[^\W\d]+", label or ""):
        if series := _SERIES_OF.get(word.casefold()):
            return series
    return None


def leading_label(caption: str | None) -> str | None:
    """A label with a number at the start of a caption that has none of its own."""
    match = _START.match(caption) if caption else None
    return match[0].strip() if match else None
