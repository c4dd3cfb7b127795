from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

from pmc15m.curate.captions import define_is_boilerplate, define_normalised, simhashes
from pmc15m.curate.language import guess_language
from pmc15m.curate.modalities import define_modalities_of


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
        ("'; DROP TABLE pairs; -- <script>CT</script>", ["CT"]),
        ("", []),
    ],
)
def test_modalities(connection: duckdb.DuckDBPyConnection, text: str, expected: list[str]) -> None:
    assert connection.execute("SELECT modalities_of(?)", [text]).fetchone() == (expected,)


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
