"""Which imaging and measuring techniques a text names: CT, MRI, histology ….

A list of words, each of a modality. It tells what a caption names, not what its picture shows: "as the MRI had shown"
counts too.
"""

import enum
import re
from collections.abc import Mapping

import duckdb


class Modality(enum.StrEnum):
    """How a picture came about, as captions say it."""

    CT = "CT"
    MRI = "MRI"
    NUCLEAR = "nuclear"
    RADIOGRAPHY = "radiography"
    ANGIOGRAPHY = "angiography"
    ULTRASOUND = "ultrasound"
    ENDOSCOPY = "endoscopy"
    OPHTHALMOLOGY = "ophthalmology"
    DERMOSCOPY = "dermoscopy"
    ELECTROPHYSIOLOGY = "electrophysiology"
    HISTOLOGY = "histology"
    IMMUNOHISTOCHEMISTRY = "immunohistochemistry"
    FLUORESCENCE = "fluorescence"
    ELECTRON_MICROSCOPY = "electron_microscopy"
    BLOT = "blot"
    FLOW_CYTOMETRY = "flow_cytometry"


# Whole words, in this case only: "Ct values", a "pet" and "Mr" are no examination.
_ABBREVIATIONS: Mapping[str, Modality] = {
    "CT": Modality.CT,
    "CBCT": Modality.CT,
    "MR": Modality.MRI,
    "MRI": Modality.MRI,
    "fMRI": Modality.MRI,
    "MRA": Modality.MRI,
    "FLAIR": Modality.MRI,
    "DWI": Modality.MRI,
    "T1W": Modality.MRI,
    "T1w": Modality.MRI,
    "T1WI": Modality.MRI,
    "T2W": Modality.MRI,
    "T2w": Modality.MRI,
    "T2WI": Modality.MRI,
    "PET": Modality.NUCLEAR,
    "SPECT": Modality.NUCLEAR,
    "DSA": Modality.ANGIOGRAPHY,
    "OCT": Modality.OPHTHALMOLOGY,
    "ECG": Modality.ELECTROPHYSIOLOGY,
    "EEG": Modality.ELECTROPHYSIOLOGY,
    "FACS": Modality.FLOW_CYTOMETRY,
}

# In any case, where a word starts ("complex Raynaud" has no X-ray, "growth & environment" no stain).
_STARTS: Mapping[str, Modality] = {
    "tomogra": Modality.CT,
    "cryo-tomogra": Modality.ELECTRON_MICROSCOPY,
    "t1-weighted": Modality.MRI,
    "t2-weighted": Modality.MRI,
    "t2*-weighted": Modality.MRI,
    "x-ray": Modality.RADIOGRAPHY,
    "h-&-e": Modality.HISTOLOGY,
}

# In any case and wherever they stand in a word; "ultrasonic" alone is a bath or a sensor. What comes first uses up its
# words: no PET is a CT for its tomography.
_STEMS: Mapping[str, Modality] = {
    "emission computed tomogra": Modality.NUCLEAR,
    "emission computerized tomogra": Modality.NUCLEAR,
    "emission tomogra": Modality.NUCLEAR,
    "positron emission tomogra": Modality.NUCLEAR,
    "positron emission": Modality.NUCLEAR,
    "scintigra": Modality.NUCLEAR,
    "computed tomogra": Modality.CT,
    "computerized tomogra": Modality.CT,
    "magnetic resonance imag": Modality.MRI,
    "magnetic resonance angio": Modality.MRI,
    "radiogra": Modality.RADIOGRAPHY,
    "mammogra": Modality.RADIOGRAPHY,
    "fluoroscop": Modality.RADIOGRAPHY,
    "fluorescein angiogra": Modality.OPHTHALMOLOGY,
    "angiogra": Modality.ANGIOGRAPHY,
    "ultrasound": Modality.ULTRASOUND,
    "ultrasonic imag": Modality.ULTRASOUND,
    "ultrasonic scan": Modality.ULTRASOUND,
    "ultrasonic exam": Modality.ULTRASOUND,
    "ultrasonic finding": Modality.ULTRASOUND,
    "ultrasonolog": Modality.ULTRASOUND,
    "sonogra": Modality.ULTRASOUND,
    "echocardiogra": Modality.ULTRASOUND,
    "endoscop": Modality.ENDOSCOPY,
    "fundus": Modality.OPHTHALMOLOGY,
    "optical coherence tomogra": Modality.OPHTHALMOLOGY,
    "optical coherence": Modality.OPHTHALMOLOGY,
    "dermosco": Modality.DERMOSCOPY,
    "histolog": Modality.HISTOLOGY,
    "histopatholog": Modality.HISTOLOGY,
    "hematoxylin": Modality.HISTOLOGY,
    "haematoxylin": Modality.HISTOLOGY,
    "immunohistochem": Modality.IMMUNOHISTOCHEMISTRY,
    "immunofluoresc": Modality.FLUORESCENCE,
    "confocal": Modality.FLUORESCENCE,
    "electron tomogra": Modality.ELECTRON_MICROSCOPY,
    "electron microgra": Modality.ELECTRON_MICROSCOPY,
    "electron microscop": Modality.ELECTRON_MICROSCOPY,
    "western blot": Modality.BLOT,
    "immunoblot": Modality.BLOT,
    "flow cytomet": Modality.FLOW_CYTOMETRY,
}

# What a hyphen of the words stands for: any hyphen or short dash, a space, or nothing.
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2212\u00ad"
_HYPHEN = f"[{_HYPHENS} ]?"
_TIGHT = f"[{_HYPHENS}]?"

# What contains one of the words and names none of it, in any case: cycles of PCR, genes, chemistry by X-rays, an
# embedding medium. "~" is a hyphen that is no space: OCT-3 is a gene, "OCT 3 months later" is none.
_DECOYS = (
    r"(?:[Δ∆]|\bdelta)-CT\b",
    r"\bCT-method",
    r"\bOCT(?:-compound|~\d+\b|-3/4)",
    r"\bMR~\d+\b",
    r"auto-radiogra\w*",
    r"(?:energy-dispersive|small-angle|wide-angle)-x-ray",
    r"\bx-ray-(?:diffract|crystal|photoelectron|photoemission|scatter|absorption|fluorescence|spectr|powder)\w*",
    r"(?:ablation|acoustic|diffraction|impedance|optical|probe|projection)-tomogra\w*",
)


def define_modalities_of(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `modalities_of(text)`: the modalities that a text names, sorted, each once.

    One scan with one alternation (RE2); decoys come first, so that they use up their words.
    """
    starts, stems = ("|".join(_pattern(word) for word in words) for words in (_STARTS, _STEMS))
    decoys = "|".join(decoy.replace("-", _HYPHEN).replace("~", _TIGHT) for decoy in _DECOYS)
    pattern = rf"(?i:{decoys})|\b(?:{'|'.join(_ABBREVIATIONS)})\b|(?i:\b(?:{starts})|{stems})"
    words = {_plain(word): modality for word, modality in {**_ABBREVIATIONS, **_STARTS, **_STEMS}.items()}
    known = ", ".join(f"'{word}': '{modality}'" for word, modality in words.items())
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO modalities_of(text) AS
            list_sort(list_distinct(list_filter(list_transform(regexp_extract_all(text, '{pattern}'),
                lambda word: MAP {{{known}}}[regexp_replace(lower(word), '{_HYPHEN}', '', 'g')]),
                lambda modality: modality IS NOT NULL)))"""
    )


def _pattern(word: str) -> str:
    return re.escape(word).replace(r"\-", _HYPHEN)


def _plain(word: str) -> str:
    """A word without what hyphens stand for, in small letters."""
    return re.sub(_HYPHEN, "", word.lower())
