"""`python -m models NAME`: one command for every trained file, which overwrites nothing unasked."""

import gzip
import json
from pathlib import Path

import pytest

from models.__main__ import TRAINERS, main

CAPTION = "Growth of mice. (A) Weight. (B) Length."


@pytest.fixture
def silver(tmp_path: Path) -> Path:
    """Forty captions with their markers, each of another article."""
    markers = [[CAPTION.index(label), CAPTION.index(label) + 1, [label[0]]] for label in ("A) ", "B) ")]
    record = {"fig": "F1", "caption": CAPTION, "markers": markers, "labels": ["A", "B"]}
    path = tmp_path / "silver.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(record | {"pmcid": f"PMC{n}"}) for n in range(40)).encode()))
    return path


def test_a_linear_model_is_a_number_for_each_feature_and_a_bias(silver: Path, tmp_path: Path) -> None:
    main(["captions", str(silver), "--out", str(tmp_path / "captions.json")])
    learned = json.loads((tmp_path / "captions.json").read_text(encoding="utf-8"))
    assert {"bias", "kind A", "run 2"} <= learned.keys()
    assert all(isinstance(value, float) for value in learned.values())


def test_a_file_that_exists_is_overwritten_by_force_alone(
    silver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "captions.json"
    out.write_text("shipped")
    with pytest.raises(SystemExit) as refused:
        main(["captions", str(silver), "--out", str(out)])
    assert refused.value.code == 2
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "shipped"
    main(["captions", str(silver), "--out", str(out), "--force"])
    assert "bias" in json.loads(out.read_text())


@pytest.mark.parametrize("name", ["captions", "certainty"])
def test_no_place_is_guessed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, str(tmp_path / "input")])
    assert "required: --out" in capsys.readouterr().err


@pytest.mark.parametrize("name", TRAINERS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name in ("kinds", "panels", "reader", "texts"):
        pytest.importorskip("onnx")
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m models {name}" in capsys.readouterr().out
