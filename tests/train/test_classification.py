"""Zero-shot by hand, and a probe that is scikit-learn's logistic regression."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from tests.train.models import small_encoder
from train import evaluation
from train.evaluation import classification
from train.evaluation.classification import CS, FOLDS, Amount, fit, probe, zero_shot
from train.evaluation.readers import READERS
from train.evaluation.sets import DataSet, load_set, shipped
from train.tokens import encode

SETS = Path(str(evaluation.__file__)).parent / "sets"
COLOURS = {"a_red": (200, 30, 30), "b_blue": (30, 30, 200), "c_green": (30, 200, 30)}


def coloured(folder: Path, each: int = 4, classes: int = 3) -> DataSet:
    """Class folders of pictures of one colour, with a train split of other shades."""
    rng = np.random.default_rng(0)
    labels = {key: f"many {key[2:]} cells" for key in list(COLOURS)[:classes]}
    for split in ("train", "test"):
        for key in labels:
            (folder / "set" / split / key).mkdir(parents=True)
            for number in range(each):
                colour = tuple(np.clip(np.array(COLOURS[key]) + rng.integers(-25, 26, 3), 0, 255).tolist())
                Image.new("RGB", (40, 30), colour).save(folder / "set" / split / key / f"{number}.png")
    return DataSet(
        name="coloured",
        title="",
        source="drawn",
        licence="",
        folder="set",
        reader={"kind": "folders", "train": {"path": "train"}, "test": {"path": "test"}},
        classes=tuple(labels.values()),
        templates=("this is an image of {}", "{} presented in image"),
        labels=labels,
        n={"test": each * classes},
    )


def test_zero_shot_is_the_mean_of_normalised_templates(tmp_path: Path) -> None:
    described, encoder = coloured(tmp_path), small_encoder()
    result = zero_shot(encoder, described, tmp_path)
    rows = []
    with torch.no_grad():
        for name in described.classes:
            tokens = torch.from_numpy(encode(encoder.tokenizer, [t.format(name) for t in described.templates], 24))
            mean = encoder.model.encode_text(tokens).mean(0)
            rows.append(mean / mean.norm())
        hits = []
        for number, key in enumerate(described.labels):
            for path in sorted((tmp_path / "set" / "test" / key).iterdir()):
                crop = torch.from_numpy(encoder.prepare(Image.open(path)))[None]
                hits.append(int((torch.stack(rows) @ encoder.model.encode_image(crop)[0]).argmax()) == number)
    assert result.n == 12
    assert result.scores["accuracy"].value == pytest.approx(100 * np.mean(hits))
    for number, name in enumerate(described.classes):
        assert result.scores[f"accuracy of {name!r}"].value == pytest.approx(
            100 * np.mean(hits[4 * number : 4 * number + 4])
        )
    assert any("template: this is an image of {}" in line for line in result.lines())
    assert any("class 1: many blue cells" in line for line in result.lines())


def test_exchanged_labels_are_said(tmp_path: Path) -> None:
    described, encoder = coloured(tmp_path, each=20, classes=2), small_encoder()
    keys = list(described.labels)
    found = [
        zero_shot(encoder, dataclasses.replace(described, labels=dict(zip(keys, names, strict=True))), tmp_path)
        for names in (described.classes, described.classes[::-1])
    ]
    right = sorted(found, key=lambda result: result.scores["accuracy"].value)
    assert right[0].scores["accuracy"].value == pytest.approx(100 - right[1].scores["accuracy"].value)
    if right[1].scores["accuracy"].value > 90:
        assert "look exchanged" in right[0].notes[-1]
    assert not any("look exchanged" in note for note in right[1].notes)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_probe_is_at_the_minimum_of_scikit_learns_objective(classes: int) -> None:
    """By another solver, which needs no tolerance; and the C is the best of the same folds, the smaller of equals."""
    digits = load_digits(n_class=classes)
    x, y = digits.data[:120] / 16 + np.random.default_rng(0).normal(0, 0.6, (120, 64)), digits.target[:120]
    hits = dict.fromkeys(CS, 0)
    for c in CS:
        for inside, held in StratifiedKFold(FOLDS).split(x, y):
            model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10).fit(x[inside], y[inside])
            hits[c] += int((model.predict(x[held]) == y[held]).sum())
    fitted, c = fit(x, y)
    assert c == max(hits, key=lambda c: (hits[c], -c))
    theirs = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10).fit(x, y)
    assert fitted.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-6)


@pytest.mark.parametrize("c", [CS[0], 1.0, 100.0, CS[-1]])
def test_the_tolerance_suffices_for_every_c(c: float, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load_digits(n_class=5)
    x, y = digits.data[:200] / 16, digits.target[:200]
    monkeypatch.setattr(classification, "CS", (c,))
    theirs = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=300).fit(x, y)
    assert fit(x, y)[0].predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-6)


def test_a_class_of_fewer_examples_than_folds_has_c_1() -> None:
    x, y = np.random.default_rng(0).normal(size=(10, 4)), np.array([0] * 8 + [1] * 2)
    assert fit(x, y)[1] == 1.0


def test_smaller_amounts_lie_inside_larger_ones_and_hold_every_class() -> None:
    labels = np.array([0] * 50 + [1] * 20 + [2] * 3)
    few, more, whole = (set(Amount(share=share).rows(labels, 0).tolist()) for share in (0.01, 0.1, 1.0))
    assert few < more < whole == set(range(73))
    assert set(labels[list(few)]) == {0, 1, 2}
    assert np.bincount(labels[Amount(shots=4).rows(labels, 1)]).tolist() == [4, 4, 3]


def test_a_probe_on_a_set_tells_its_colours_apart(tmp_path: Path) -> None:
    described = coloured(tmp_path, each=6)
    results = probe(small_encoder(), described, tmp_path, [Amount(shots=1), Amount()])
    assert [result.task for result in results] == ["probe, 1-shot", "probe, 100 %"]
    assert results[1].scores["accuracy"].value > 90
    assert results[1].details["train"] == 18
    assert not math.isnan(results[0].scores["accuracy"].low)


def test_at_least_twenty_sets_are_described_whole() -> None:
    described = [load_set(name) for name in shipped("set")]
    labelled = [one for one in described if one.reader["kind"] in READERS]
    assert len(labelled) >= 20
    for one in labelled:
        assert one.source.startswith("https://")
        assert one.licence
        assert one.sha256 or "# No sha256: " in (SETS / f"{one.name}.toml").read_text()
        assert (one.classes and one.templates) or one.reader["kind"] == "webdataset"
        assert "test" in one.reader
        for figure in one.published:
            assert {"model", "value", "version", "source"} <= figure.keys()
