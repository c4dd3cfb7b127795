"""Captions in the style of real ones, from what was drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from xml.sax.saxutils import escape

from pmc15m.demo.figure import Panel, all_notes
from pmc15m.demo.pictures import PictureKind, Rng, pick

TITLES: dict[PictureKind, tuple[str, ...]] = {
    PictureKind.HISTOLOGY: ("Histological findings", "Tissue morphology", "Microscopy of tissue sections"),
    PictureKind.FLUORESCENCE: ("Localisation of the marker in cultured cells", "Confocal microscopy"),
    PictureKind.ELECTRON_MICROGRAPH: ("Ultrastructure", "Electron microscopy"),
    PictureKind.CT: ("Computed tomography at admission", "CT findings"),
    PictureKind.MRI: ("Magnetic resonance imaging", "MRI findings"),
    PictureKind.BLOT: ("Protein expression", "Immunoblot analysis"),
    PictureKind.GEL: ("PCR screening", "Gel electrophoresis"),
    PictureKind.LINE_PLOT: ("Time course", "Changes during follow-up"),
    PictureKind.BAR_CHART: ("Comparison of groups", "Effect of treatment"),
    PictureKind.SCATTER_PLOT: ("Correlation analysis", "Relation between measurements"),
    PictureKind.SURVIVAL_CURVE: ("Survival analysis", "Outcome of patients"),
    PictureKind.HEAT_MAP: ("Gene expression profile", "Clustering of samples"),
    PictureKind.ECG: ("Electrocardiography", "Cardiac rhythm"),
    PictureKind.DIAGRAM: ("Study design", "Flow of participants"),
    PictureKind.TREE: ("Phylogenetic analysis", "Relationship of strains"),
}
# How a label stands in the caption; {} is the letter. Shares of real captions: figure-separation counts of
# 4,023 PMC articles give "(A)" 81 %, a bare letter 10 %, the rest below 3 % each.
MARKERS = (
    "(<bold>{}</bold>)",
    "(<bold>{}</bold>)",
    "({})",
    "(<italic>{}</italic>)",
    "<bold>{}</bold>",
    "<bold>{})</bold>",
)


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption as inline XML: a title and paragraphs; the panels' own sentences as text."""

    title: str | None
    paragraphs: tuple[str, ...]
    subcaptions: tuple[str, ...] = ()
    """One per panel, verbatim in `text`; empty where the caption says nothing of it."""
    reads: str | None = None
    """The text, where removing the tags does not give it: lists, formulas, nested captions."""

    @property
    def text(self) -> str:
        """The reader's text: blocks joined by one space, nothing between inline elements."""
        if self.reads is not None:
            return self.reads
        blocks = ([] if self.title is None else [self.title]) + list(self.paragraphs)
        return " ".join(plain_text(block) for block in blocks)

    @property
    def xml(self) -> str:
        title = "" if self.title is None else f"<title>{self.title}</title>"
        return f"<caption>{title}{''.join(f'<p>{paragraph}</p>' for paragraph in self.paragraphs)}</caption>"


def plain_text(inline_xml: str) -> str:
    """The text of inline XML written by this module, which has no comments and no '>' in attributes."""
    return unescape(re.sub(r"<[^>]+>", "", inline_xml))


def write_caption(rng: Rng, panels: Sequence[Panel]) -> Caption:
    """A title, a sentence a panel with its label, the notes.

    Panels without printed labels are told by their place ("Left, …") when there are two, else summed up.
    """
    title = f"{pick(rng, TITLES.get(panels[0].kind, ('Overview',)))}."
    notes = escape(" ".join(all_notes(panels)))
    as_title = bool(rng.integers(2))
    if len(panels) == 1:
        sentences, subcaptions = [f"{escape(panels[0].phrase)}."], [f"{panels[0].phrase}."]
    elif panels[0].label is not None:
        marker = pick(rng, MARKERS)
        subcaptions = [f"{panel.phrase}." for panel in panels]
        sentences = [
            f"{marker.format(panel.label)} {escape(subcaption)}"
            for panel, subcaption in zip(panels, subcaptions, strict=True)
        ]
    elif len(panels) == 2:
        places = ("Left", "right") if panels[0].box[1] == panels[1].box[1] else ("Top", "bottom")
        subcaptions = [f"{place}, {panel.phrase}" for place, panel in zip(places, panels, strict=True)]
        sentences = [f"{escape('; '.join(subcaptions))}."]
    else:
        subcaptions = [""] * len(panels)
        sentences = [f"{escape('. '.join(dict.fromkeys(panel.phrase for panel in panels)))}."]
    text = " ".join([*sentences, notes]).strip()
    if as_title:
        return Caption(title, (text,), tuple(subcaptions))
    return Caption(None, (f"<bold>{title}</bold> {text}",), tuple(subcaptions))
