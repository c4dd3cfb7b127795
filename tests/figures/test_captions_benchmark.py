"""The benchmark reads every format of gold captions and writes what the scorer reads."""

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import pieces
from benchmarks.captions import from_html, main

CAPTION = "Growth of mice. (A) Weight. (B) Length."


def run(gold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, dict[str, str]]:
    out = tmp_path / "pred.jsonl"
    monkeypatch.setattr("sys.argv", ["captions", str(gold), "--out", str(out), *more])
    main()
    return {r["id"]: r["panels"] for r in map(json.loads, out.read_text(encoding="utf-8").splitlines())}


def figure(*texts: str) -> dict[str, object]:
    panels = [{"label": {"text": label}, "caption": text} for label, text in zip("AB", texts, strict=True)]
    return {"caption": CAPTION, "gt_subfigures": panels}


def test_html_becomes_text_and_markup() -> None:
    text, markup = from_html("<p><strong>A</strong>, p&lt;0.05 <em>in\nvivo</em>.</p><p>(B) z</p>")
    assert text.strip() == "A, p<0.05 in vivo. (B) z"
    assert [(text[start:end], kind) for start, end, kind in markup] == [("A", "bold"), ("in vivo", "italic")]


def test_silver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gold = tmp_path / "silver.jsonl.gz"
    record = {"pmcid": "PMC1", "fig": "F1", "caption": CAPTION, "markers": [], "labels": ["A", "B"]}
    gold.write_bytes(gzip.compress(json.dumps(record).encode()))
    assert set(run(gold, tmp_path, monkeypatch)["PMC1:F1"]) == {"A", "B"}


def test_convention_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gold = tmp_path / "gold.json"
    gold.write_text(json.dumps({"a.jpg": figure("(A) Weight.", "(B) Length.")}))
    assert run(gold, tmp_path, monkeypatch)["a.jpg"]["A"] == "Growth of mice. (A) Weight."
    gold.write_text(json.dumps({"a.jpg": figure("Growth. Weight.", "Growth. Length.")}))
    assert run(gold, tmp_path, monkeypatch)["a.jpg"]["A"] == "Growth of mice. Weight."
    assert run(gold, tmp_path, monkeypatch, "--convention", "own")["a.jpg"]["A"] == "Weight."


def test_manuscripts_with_their_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = "<p><b>Growth</b></p><p><b>A</b> weight of mice <b>B</b> length of mice</p>"
    record = {"manuscript_id": "M", "figures": [{"figure_label": "Figure 1", "figure_caption": html, "panels": []}]}
    (tmp_path / "ground_truth").mkdir()
    (tmp_path / "ground_truth" / "m.json").write_text(json.dumps(record))
    assert set(run(tmp_path, tmp_path, monkeypatch)["M:Figure 1"]) == {"A", "B"}


def test_names_of_an_instruction_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gold = tmp_path / "ophtha.json"
    gold.write_text(json.dumps({"NAMING": [{"id": "P1", "user": CAPTION, "assistant": []}], "SPLITTING": []}))
    assert set(run(gold, tmp_path, monkeypatch, "--splitter", "regex")["P1"]) == {"A", "B"}


def test_the_words_of_every_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    caption = "Lungs. CT in axial (A) and coronal (B) views of the chest."
    gold, out = tmp_path / "gold.jsonl", tmp_path / "pred.jsonl"
    lines = [
        {"id": "one", "caption": caption, "markup": [[19, 22, "bold"]]},
        {"id": "two", "caption": "A.", "markup": []},
    ]
    gold.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["pieces", str(gold), "--out", str(out)])
    pieces.main()
    one, two = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    words = {label: [caption[a:b] for a, b in spans] for label, spans in one["panels"].items()}
    assert words == {
        "A": ["CT in", "axial", "views of the chest."],
        "B": ["CT in", "coronal", "views of the chest."],
    }
    assert one["scores"].keys() == words.keys()
    assert two == {"id": "two", "panels": {}, "scores": {}}
    assert "2 captions" in capsys.readouterr().out
