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


# Whole words, in this case only: "Ct values" and a "pet" are no examination.
_ABBREVIATIONS: Mapping[str, Modality] = {
    "CT": Modality.CT,
    "CBCT": Modality.CT,
    "MRI": Modality.MRI,
    "fMRI": Modality.MRI,
    "PET": Modality.NUCLEAR,
    "SPECT": Modality.NUCLEAR,
    "OCT": Modality.OPHTHALMOLOGY,
    "ECG": Modality.ELECTROPHYSIOLOGY,
    "EEG": Modality.ELECTROPHYSIOLOGY,
    "FACS": Modality.FLOW_CYTOMETRY,
}

# In any case and wherever they stand in a word.
_STEMS: Mapping[str, Modality] = {
    "computed tomogra": Modality.CT,
    "computerized tomogra": Modality.CT,
    "magnetic resonance imag": Modality.MRI,
    "magnetic resonance angio": Modality.MRI,
    "positron emission": Modality.NUCLEAR,
    "scintigra": Modality.NUCLEAR,
    "radiogra": Modality.RADIOGRAPHY,
    "mammogra": Modality.RADIOGRAPHY,
    "x-ray": Modality.RADIOGRAPHY,
    "fluoroscop": Modality.RADIOGRAPHY,
    "fluorescein angiogra": Modality.OPHTHALMOLOGY,
    "angiogra": Modality.ANGIOGRAPHY,
    "ultrasound": Modality.ULTRASOUND,
    "sonogra": Modality.ULTRASOUND,
    "echocardiogra": Modality.ULTRASOUND,
    "endoscop": Modality.ENDOSCOPY,
    "fundus": Modality.OPHTHALMOLOGY,
    "optical coherence": Modality.OPHTHALMOLOGY,
    "dermosco": Modality.DERMOSCOPY,
    "histolog": Modality.HISTOLOGY,
    "histopatholog": Modality.HISTOLOGY,
    "hematoxylin": Modality.HISTOLOGY,
    "haematoxylin": Modality.HISTOLOGY,
    "h&e": Modality.HISTOLOGY,
    "h & e": Modality.HISTOLOGY,
    "immunohistochem": Modality.IMMUNOHISTOCHEMISTRY,
    "immunofluoresc": Modality.FLUORESCENCE,
    "confocal": Modality.FLUORESCENCE,
    "electron microgra": Modality.ELECTRON_MICROSCOPY,
    "electron microscop": Modality.ELECTRON_MICROSCOPY,
    "western blot": Modality.BLOT,
    "immunoblot": Modality.BLOT,
    "flow cytomet": Modality.FLOW_CYTOMETRY,
}

# What contains one of the words and names none of it: cycles of PCR, chemistry by X-rays, an embedding medium.
_DECOYS = (
    r"[Δ∆]CT|\bCT method|\bOCT-?4|\bOCT compound|autoradiogra\w*"
    r"|(?i:(?:energy[- ]dispersive|small[- ]angle|wide[- ]angle) x-ray"
    r"|x-ray (?:diffract|crystal|photoelectron|photoemission|scatter|absorption|fluorescence|spectr|powder)\w*)"
)


def define_modalities_of(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `modalities_of(text)`: the modalities that a text names, sorted, each once.

    One scan with one alternation (RE2); decoys come first, so that they use up their words.
    """
    stems = "|".join(map(re.escape, _STEMS))
    pattern = rf"{_DECOYS}|\b(?:{'|'.join(_ABBREVIATIONS)})\b|(?i:{stems})"
    words = {word.lower(): modality for word, modality in {**_ABBREVIATIONS, **_STEMS}.items()}
    known = ", ".join(f"'{word}': '{modality}'" for word, modality in words.items())
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO modalities_of(text) AS
            list_sort(list_distinct(list_filter(list_transform(regexp_extract_all(text, '{pattern}'),
                lambda word: MAP {{{known}}}[lower(word)]), lambda modality: modality IS NOT NULL)))"""
    )
