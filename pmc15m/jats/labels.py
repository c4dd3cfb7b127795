"""Labels and citations of figures: 'Figure 2', 'Figs 1–3', 'Fig. 2B,C' → series, numbers, panels."""

import re
from dataclasses import dataclass

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

_LABEL = re.compile(
    r"(?P<words>[^\W\d]*(?:[\s.,:;()\[\]—–-]+[^\W\d]+)*?)[\s.,:;()\[\]#°º—–-]*"
    r"(?P<prefix>(?<![^\W\d_])[A-Z]{1,2})?[\s.-]?(?P<number>\d{1,4}(?:\.\d{1,3})*)\s?(?P<rest>.*)",
    re.DOTALL,
)
_START = re.compile(
    r"(?:(?:supplementa(?:ry|l)|extended data)\s+)?"
    r"(?:figures?|figs?|figuras?|schemes?|charts?|plates?|abbildung|abb|gráficos?|esquemas?)\.?\s*"
    r"(?:[A-Z]{0,2}\d{1,4}(?:\.\d{1,3})*[A-Za-z]?|[IVX]{1,5})(?![\w-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Label:
    """A label taken apart: 'Figure S2.1A' is series 'figure s', number (2, 1), rest 'A'."""

    series: str
    number: tuple[int, ...]
    rest: str


def parse_label(label: str | None) -> Label | None:
    """The label's series and number; null without a number ('(a)', 'Graphical abstract')."""
    match = _LABEL.match(label.strip()) if label else None
    if match is None:
        return None
    words = [word.casefold() for word in re.findall(r"[^\W\d]+", match["words"])]
    series = [_SERIES_OF.get(word, word) for word in words] or ["figure"]
    if match["prefix"]:
        series.append(match["prefix"].casefold())
    number = tuple(int(part) for part in match["number"].split("."))
    return Label(" ".join(series), number, match["rest"].strip(" .:;,"))


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
