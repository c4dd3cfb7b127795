import json
import re
from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

from pmc15m.curate.captions import define_is_boilerplate, define_normalised, simhashes
from pmc15m.curate.language import guess_language
from pmc15m.curate.modalities import define_modalities_of
from tests.shared_data import SHARED

CAPTIONS = SHARED / "groundtruth" / "captions" / "zou458.json"
RADIOLOGY = {"CT", "MRI", "nuclear", "radiography", "angiography", "ultrasound"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (
            "Survival of the patients in each group. Shown are the means of three experiments with standard errors.",
            "en",
        ),
        (
            "Evolución de los pacientes según el tratamiento. Las barras muestran la media y el error entre grupos.",
            "es",
        ),
        ("Distribuição dos pacientes segundo a idade. Os valores são médias e não foram ajustados pelo peso.", "pt"),
        ("Évolution des patients dans les deux groupes. Les barres sont la moyenne et une erreur est montrée.", "fr"),
        ("Verlauf der Patienten nach der Therapie. Die Balken zeigen das Mittel und den Fehler, wie im Text.", "de"),
        ("图1 患者的生存曲线。(A) 对照组 CT。", "zh"),
        ("患者の生存曲線。対照群との比較を示す。", "ja"),
        ("Кривые выживаемости пациентов CT.", "ru"),
        ("H&E x 400", None),
        ("CT.", None),
        ("", None),
        ("12.5 % 3/4 — ±", None),
    ],
)
def test_language(text: str, language: str | None) -> None:
    assert guess_language(text) == language


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        define_normalised(connection)
        define_is_boilerplate(connection)
        define_modalities_of(connection)
        yield connection


def test_normalised_sets_case_and_punctuation_aside(connection: duckdb.DuckDBPyConnection) -> None:
    texts = ["(A) CT-scan, 5 µm; “before”.", "a ct scan 5 µm before", "A CT scan – 5 µm – before!"]
    normalised = {connection.execute("SELECT normalised(?)", [text]).fetchone() for text in texts}
    assert normalised == {("a ct scan 5 µm before",)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Figure 2.", True),
        ("Supplementary Figure S1", True),
        ("Graphical abstract", True),
        ("See text for details.", True),
        ("Click here for additional data file.", True),
        ("Figure 2. Survival of mice.", False),
        ("CT of the chest", False),
        ("Flow chart", False),
        ("Mouse 3", False),
    ],
)
def test_boilerplate(connection: duckdb.DuckDBPyConnection, text: str, expected: bool) -> None:
    assert connection.execute("SELECT is_boilerplate(?)", [text]).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Chest CT, then computed tomography of the head; CT again.", ["CT"]),
        ("PET/CT and T1-weighted MRI", ["CT", "MRI", "nuclear"]),
        ("Echocardiography (H&E not shown)", ["histology", "ultrasound"]),
        ("WESTERN BLOT", ["blot"]),
        ("Ct values, facts and pets: no examination", []),
        ("Calculated by the 2^−ΔΔCT method; Oct-4 and OCT4 with OCT-4", []),
        ("X-ray diffraction and autoradiography", []),
        ("X-ray diffraction (A) and chest X-ray (B)", ["radiography"]),
        ("Fluorescein angiography", ["ophthalmology"]),
        ("Coronary angiography", ["angiography"]),
        ("Mr A, MR-1 and MR1: no examination", []),
        ("MR angiogram, MRA", ["MRI", "angiography"]),
        ("Axial FLAIR (A)", ["MRI"]),
        ("DWI", ["MRI"]),
        ("DSA", ["angiography"]),
        ("T1-weighted image", ["MRI"]),
        ("t2 weighted image", ["MRI"]),
        ("T2*-weighted image", ["MRI"]),
        ("T2\u2010weighted image", ["MRI"]),
        ("T1W image", ["MRI"]),
        ("T2WI", ["MRI"]),
        ("Tomographic reconstruction", ["CT"]),
        ("Ultrasonic image", ["ultrasound"]),
        ("Ultrasonography", ["ultrasound"]),
        ("Ultrasonicated in an ultrasonic bath, ultrasonic power 400 W", []),
        ("Positron emission tomography", ["nuclear"]),
        ("Single photon emission computed tomography", ["nuclear"]),
        ("Optical coherence tomography", ["ophthalmology"]),
        ("Cryo-electron tomogram, electron tomography, cryo-tomography", ["electron_microscopy"]),
        ("Photoacoustic tomography, optical projection tomography", []),
        ("Autoradiograph, AUTORADIOGRAPHY, auto-radiogram", []),
        ("OCT-3/4, OCT3/4, OCT 3/4, Oct\u20113, OCT\u20134", []),
        ("OCT 3 months later", ["ophthalmology"]),
        ("\u0394\u0394 CT, \u2206\u2206CT, \u0394\u2011CT, delta delta CT", []),
        ("Chest X\u2010ray", ["radiography"]),
        ("Chest X\u2011ray", ["radiography"]),
        ("Chest x\u2013rays", ["radiography"]),
        ("Chest xray", ["radiography"]),
        ("Small\u2010angle X\u2010ray scattering, X ray diffraction", []),
        ("Complex Raynaud; growth & environment", []),
        ("h & e", ["histology"]),
        ("Fluorescence images of a leaf; fluorescent micrographs", ["fluorescence"]),
        ("Moss under two\u2010photon microscopy, nuclei in blue (DAPI)", ["fluorescence"]),
        ("Red fluorescence (left) of cells with green fluorescent protein", ["fluorescence"]),
        ("Cells with green fluorescent protein; fluorescence intensity and emission spectra", []),
        ("Laser scanning microscopy of a root", ["fluorescence"]),
        ("SEM images of bark, HRTEM of clay", ["electron_microscopy"]),
        ("(A) SEM of bark. (B) Sample as seen by SEM", ["electron_microscopy"]),
        ("FE-SEM and cryo\u2010EM", ["electron_microscopy"]),
        ("Transmission electron photomicrograph", ["electron_microscopy"]),
        ("Negative-stain EM of a phage", ["electron_microscopy"]),
        ("Bars are means \u00b1 SEM of four trees; data shown as SEM. SEM, standard error of the mean.", []),
        ("EM, effector memory; TEM cells, TEM-1 lactamase; the EM algorithm", []),
        ("IHC of the bark beetle, immunocytochemical analysis", ["immunohistochemistry"]),
        ("Tonotopy of IHCs, inner hair cells (IHC)", []),
        ("Bark (HE stain), leaf (H and E, \u00d710)", ["histology"]),
        ("Roots in toluidine blue, Masson\u2019s trichrome", ["histology"]),
        ("He stained the bark for 1 h and exposed it", []),
        ("Survival by histological subtypes and histologic grade", []),
        ("Immunoblotting; proteins found by WB; Northern analysis", ["blot"]),
        ("WB, whole blood; ink blots; blotted dry", []),
        ("Fundus photograph, slit-lamp view", ["ophthalmology"]),
        ("Polyp in the gastric fundus, seen at colonoscopy", ["endoscopy"]),
        ("Bark frozen in OCT compound; octanol (OCT)", []),
        ("FDG-PET", ["nuclear"]),
        ("PET bottles, polyethylene terephthalate (PET)", []),
        ("CT values, threshold cycle (CT), CT = chemotherapy, Hartford, CT, USA", []),
        ("micro-CT, \u03bcCT and CBCT", ["CT"]),
        ("HCT-116, RCT and CCT", []),
        ("Mineralocorticoid receptor (MR), Mendelian randomization (MR)", []),
        ("US scan of the neck, Doppler", ["ultrasound"]),
        ("Forests of the US; ultrasound-assisted extraction; laser Doppler flow", []),
        ("Electrocardiogram and patch-clamp traces, EMG", ["electrophysiology"]),
        ("Preoperative X-ray film", ["radiography"]),
        ("Blots exposed to X-ray film; X-ray structure", []),
        ("Bronchoscopic view", ["endoscopy"]),
        ("Tomografía computarizada; resonancia magnética; ecografía", ["CT", "MRI", "ultrasound"]),
        ("Transmission EM of a moss", ["electron_microscopy"]),
        ("SEM, standard error; structural equation model (SEM); SEM path of trust", []),
        ("Spinning-disk images of moss; FISH with a probe; cold storm; fish of the lake", ["fluorescence"]),
        ("CTA of the neck; CAT scan", ["CT"]),
        ("NT and CT of the channel, its C-terminal tail (CT), CT-1; Hartford, CT, NY", []),
        ("DTI maps, STIR sequence, cardiac magnetic resonance; 1H nuclear magnetic resonance", ["MRI"]),
        ("MR-Egger, MR-PRESSO; GR and MR in the brain", []),
        ("Bone scan; degradation of PET, films of PE and PET", ["nuclear"]),
        ("Apical four-chamber view; TEE view", ["ultrasound"]),
        ("Oil Red O on liver; Giemsa", ["histology"]),
        ("Congo red adsorbed on clay; definitive histology: lipoma", []),
        ("Whole-cell recording, local field potentials", ["electrophysiology"]),
        ("FACS-sorted cells", []),
        ("'; DROP TABLE pairs; -- <script>CT</script>", ["CT"]),
        ("", []),
    ],
)
def test_modalities(connection: duckdb.DuckDBPyConnection, text: str, expected: list[str]) -> None:
    assert connection.execute("SELECT modalities_of(?)", [text]).fetchone() == (expected,)


@pytest.mark.corpus
@pytest.mark.skipif(not CAPTIONS.is_file(), reason="real captions are not beside the checkout; set PMC15M_SHARED")
def test_no_examination_of_real_captions_is_lost(connection: duckdb.DuckDBPyConnection) -> None:
    # What the radiology recipe looked for before modalities were stored, but for the gene MR-1 and for dyed retinas.
    named = re.compile(
        r"\b(?:radiograph\w*|x-?rays?|mammogra\w*|(?<!Fluorescein )angiogra\w*|fluoroscop\w*|tomogra\w*|CT|CBCT|PET"
        r"|SPECT|scintigra\w*|MRI|MR(?!-1)|fMRI|T[12]W?I?-?weighted|FLAIR|DWI|sonogra\w*|ultraso\w*|echocardiogra\w*"
        r"|DSA)\b"
    )
    figures = json.loads(CAPTIONS.read_text(encoding="utf-8")).values()
    captions = {part["caption"] for figure in figures for part in figure["gt_subfigures"] if part["caption"]}
    known = sorted(caption for caption in captions if named.search(caption))
    assert len(known) > 100
    modalities = connection.execute("SELECT modalities_of(caption) FROM unnest(?) AS captions(caption)", [known])
    found = [set(names) for (names,) in modalities.fetchall()]
    lost = [caption for caption, names in zip(known, found, strict=True) if not names & RADIOLOGY]
    assert lost == []


def test_hostile_text_is_text(connection: duckdb.DuckDBPyConnection) -> None:
    hostile = "'; DROP TABLE pairs; -- <script>alert(1)</script>"
    assert connection.execute("SELECT normalised(?)", [hostile]).fetchone() == (
        "drop table pairs script alert 1 script",
    )


def test_near_captions_have_near_fingerprints() -> None:
    words = [f"word{n}" for n in np.random.default_rng(0).integers(0, 5000, 120)]
    changed = [*words[:60], "another", *words[61:]]
    other = [f"word{n}" for n in np.random.default_rng(1).integers(0, 5000, 120)]
    first, second, third, short = simhashes([" ".join(words), " ".join(changed).upper(), " ".join(other), "too short"])
    assert short is None
    assert first is not None
    assert second is not None
    assert third is not None
    assert (first ^ second).bit_count() <= 6
    assert (first ^ third).bit_count() > 16
