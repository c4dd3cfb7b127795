import json
import sys

import pytest

from benchmarks import separation
from pmc15m.figures import separate
from pmc15m.pictures.decode import decode
from tests.figures.drawn_pages import letter, page, photograph
from tests.shared_data import SHARED


def test_one_line_a_figure_with_boxes_labels_and_texts(tmp_path, monkeypatch, capsys):
    picture = page(640, 300)
    for seed, (x, text) in enumerate([(10, "A"), (330, "B")]):
        photograph(picture, (x, 40, x + 290, 290), seed)
        letter(picture, (x, 10), text)
    picture.save(tmp_path / "two.png")
    caption = "Cells. (A) Before treatment. (B) After treatment."
    (tmp_path / "panels.json").write_text(json.dumps([{"image": "two.png", "caption": caption}]))
    out = tmp_path / "pred.jsonl"
    command = ["separation", str(tmp_path / "panels.json"), "--images", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    separation.main()
    (line,) = map(json.loads, out.read_text().splitlines())
    assert (line["image"], line["status"]) == ("two.png", "split_aligned")
    assert [p["label"] for p in line["panels"]] == ["A", "B"]
    assert [p["subcaption"] for p in line["panels"]] == ["Before treatment.", "After treatment."]
    assert all(len(p["box"]) == 4 and 0 <= p["alignment_score"] <= 1 for p in line["panels"])
    assert "1 figures, network" in capsys.readouterr().out


@pytest.mark.corpus
def test_real_figures_have_the_right_number_of_panels_mostly():
    gold = SHARED / "groundtruth" / "panels-dev" / "panels.json"
    if not gold.exists():
        pytest.skip(f"no development figures at {gold}")
    figures = json.loads(gold.read_text(encoding="utf-8"))[::5]
    right = 0
    for figure in figures:
        decoded = decode((SHARED / "corpus" / "articles" / figure["image"]).read_bytes())
        right += len(separate(decoded.image, figure["caption"]).panels) == len(figure["panels"])
    assert right >= 0.75 * len(figures)
