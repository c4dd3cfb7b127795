import io
import json
import sys

import pytest

from benchmarks import separation
from benchmarks.separation import record
from pmc15m.config import SplitConfig
from pmc15m.figures import separate
from pmc15m.pictures.decode import decode
from pmc15m.split import split_image
from tests.curate.made import Made
from tests.figures.drawn_pages import letter, page, photograph
from tests.shared_data import SHARED


def lettered():
    """Two photographs, A and B."""
    picture = page(640, 300)
    for seed, (x, text) in enumerate([(10, "A"), (330, "B")]):
        photograph(picture, (x, 40, x + 290, 290), seed)
        letter(picture, (x, 10), text)
    return picture


def test_one_line_a_figure_with_boxes_labels_and_texts(tmp_path, monkeypatch, capsys):
    lettered().save(tmp_path / "two.png")
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


def test_the_text_that_is_scored_is_that_of_the_tables(tmp_path):
    made, stream = Made(tmp_path / "data"), io.BytesIO()
    caption = "Cells. (A) Before  any\ntreatment. (B) After treatment. Scale bar in (A), 5 µm ."
    image = made.figure(made.article(1), 1 << 30, caption=caption, n_panels=2)
    lettered().save(stream, "PNG")
    keys = {"image_key": image, "figure_key": image[:-4], "pmcid": "PMC1", "version": 1}
    _, panels = split_image(keys, {"caption": caption, "caption_markup": []}, stream.getvalue(), SplitConfig())
    for row in panels:
        texts = {name: row[name] for name in ("subcaption", "subcaption_spans", "stem_spans", "shared_spans")}
        made.panel(image, row["order"], 1 << 40 + row["order"], **texts)
    scored = [p["subcaption"] for p in record("two.png", caption, separate(lettered(), caption))["panels"]]
    assert scored == ["Before any treatment. Scale bar in (A), 5 µm", "After treatment."]
    assert [row["subcaption"] for row in panels] == scored
    pairs = [row for row in made.curated().pairs().values() if row["level"] == "panel"]
    assert [row["text"] for row in pairs] == scored
    assert [row["context"] for row in pairs] == [f"Cells. {text}" for text in scored]


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
