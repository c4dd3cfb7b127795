"""Open fonts for synthetic text: Debian's liberation, urw-base35, dejavu, open-sans, roboto, carlito, lato, inter."""

import functools
from pathlib import Path

import numpy as np
from PIL import ImageFont

# What journals set labels in: mostly Arial and Helvetica (Liberation Sans, Nimbus Sans), some Times, seldom else.
FAMILIES = {
    "LiberationSans": 5.0,
    "NimbusSans": 3.0,
    "LiberationSansNarrow": 0.6,
    "LiberationSerif": 1.2,
    "NimbusRoman": 1.0,
    "DejaVuSans": 1.0,
    "DejaVuSerif": 0.3,
    "OpenSans": 0.7,
    "Roboto": 0.7,
    "Carlito": 1.0,
    "Lato": 0.6,
    "Inter": 0.6,
    "URWGothic": 0.2,
    "C059": 0.2,
    "P052": 0.2,
}
BOLD = ("Bold", "SemiBold", "Semibold", "Demi", "Black", "Heavy")
PLAIN = ("Regular", "Roman", "Medium", "Book", "")


class Fonts:
    """Draws of a font file by family weight; the files are those found under the folders given."""

    def __init__(self, folders: list[Path]) -> None:
        files = sorted(f for folder in folders for f in Path(folder).rglob("*") if f.suffix in (".ttf", ".otf"))
        by_style = {(f.stem.partition("-")[0], f.stem.partition("-")[2]): str(f) for f in files}
        self.plain = {n: [p for s in PLAIN if (p := by_style.get((n, s)))] for n in FAMILIES}
        self.bold = {n: [p for s in BOLD if (p := by_style.get((n, s)))] for n in FAMILIES}
        self.names = [n for n in FAMILIES if self.plain[n] and self.bold[n]]
        if not self.names:
            raise FileNotFoundError(f"no known font under {', '.join(map(str, folders))}")
        weights = np.array([FAMILIES[n] for n in self.names])
        self.weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator, bold: bool) -> str:
        """Path of a font file."""
        files = (self.bold if bold else self.plain)[self.names[rng.choice(len(self.names), p=self.weights)]]
        return files[rng.integers(len(files))]


@functools.lru_cache(maxsize=4096)
def font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """The font at a size in px per em."""
    return ImageFont.truetype(path, max(5, size))
