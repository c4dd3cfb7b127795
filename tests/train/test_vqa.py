"""Questions in the official layouts, and a head that learns what can be learned."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.train.models import small_encoder
from tests.train.official import slake, vqa_rad
from train.errors import DataError
from train.evaluation import vqa
from train.evaluation.sets import DataSet, load_set

QUICK = vqa.FineTuning(epochs=2, batch=4, layers=1, width=32, heads=2, lr=1e-3)


def test_vqa_rad_is_split_by_the_type_of_its_phrases(tmp_path: Path) -> None:
    vqa_rad(tmp_path)
    described = load_set("vqa-rad")
    train, test = (vqa.read_questions(described, tmp_path, split) for split in ("train", "test"))
    assert len(train) == len(test) == 8
    assert {(q.question, q.closed) for q in test} == {("Is a lesion seen?", True), ("What is shown?", False)}
    assert {q.answer for q in test} == {"yes", "no", "2", "the left eye"}  # numbers, capitals and stops are levelled


def test_of_slake_the_english_questions_are_read(tmp_path: Path) -> None:
    slake(tmp_path)
    described = load_set("slake")
    for split in ("train", "val", "test"):
        assert [q.question for q in vqa.read_questions(described, tmp_path, split)] == ["Is this a cell?"] * 3


def test_pictures_that_are_not_there_are_counted(tmp_path: Path) -> None:
    vqa_rad(tmp_path)
    (tmp_path / "VQA_RAD Image Folder" / "synpic2.jpg").unlink()
    with pytest.raises(DataError, match=r"1 pictures of 2 questions are not there: .*synpic2\.jpg"):
        vqa.read_questions(load_set("vqa-rad"), tmp_path, "test")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"phrase_type"', '"type"', "is not in the layout vqa_rad: KeyError('phrase_type')"),
        ('"test_', '"', "has no test questions"),
        ('"OPEN"', '"open ended"', "has the answer type 'OPEN ENDED'"),
        ("[", "", "is not JSON"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    vqa_rad(tmp_path)
    path = tmp_path / "VQA_RAD Dataset Public.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError) as raised:
        vqa.read_questions(load_set("vqa-rad"), tmp_path, "test")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("given", "wanted", "f1"),
    [
        ("left lung", "left lung", 1.0),
        ("left lung", "lung", 2 / 3),
        ("left lung", "right", 0.0),
        ("lung lung", "lung", 2 / 3),
        ("", "", 1.0),
    ],
)
def test_token_f1(given: str, wanted: str, f1: float) -> None:
    assert vqa.token_f1(given, wanted) == pytest.approx(f1)


@pytest.mark.parametrize(("name", "write"), [("vqa-rad", vqa_rad), ("slake", slake)])
def test_both_sets_are_evaluated_and_the_answers_kept(
    name: str, write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described, encoder = load_set(name), small_encoder()
    write(tmp_path / described.folder)  # type: ignore[operator]
    encoder = dataclasses.replace(encoder, cache=tmp_path / "kept")
    first = vqa.evaluate(encoder, described, tmp_path, QUICK)
    monkeypatch.setattr(vqa, "fine_tuned", None)  # the second time nothing is fine-tuned
    second = vqa.evaluate(encoder, described, tmp_path, QUICK)
    assert {key: score.value for key, score in first.scores.items()} == pytest.approx(
        {key: score.value for key, score in second.scores.items()}, nan_ok=True
    )
    assert set(first.scores) == {"accuracy", "open", "closed", "token_f1"}
    assert first.details["test questions whose answer is none of these"] == (4 if name == "vqa-rad" else 0)


def asked(folder: Path, colours: dict[str, tuple[int, int, int]]) -> DataSet:
    """VQA-RAD's layout: is this picture red, is it blue? The words alone tell nothing, nor does the picture alone."""
    (folder / "set" / "VQA_RAD Image Folder").mkdir(parents=True)
    rows = []
    for number in range(24):
        shown = list(colours)[number % 2]
        Image.new("RGB", (40, 40), colours[shown]).save(folder / "set" / "VQA_RAD Image Folder" / f"{number}.png")
        for wanted in colours:
            rows.append(
                {
                    "phrase_type": "freeform" if number < 16 else "test_freeform",
                    "image_name": f"{number}.png",
                    "question": f"Is this {wanted}?",
                    "answer": "yes" if wanted == shown else "no",
                    "answer_type": "CLOSED",
                }
            )
    (folder / "set" / "VQA_RAD Dataset Public.json").write_text(json.dumps(rows))
    return DataSet(
        name="asked",
        title="",
        source="drawn",
        licence="",
        folder="set",
        reader={"kind": "vqa_rad"},
    )


def test_what_pads_a_question_says_nothing() -> None:
    encoder = small_encoder()
    head = vqa.Fusion(encoder.model, QUICK, 3).eval()
    images, tokens = torch.randint(0, 256, (2, 3, 32, 32)), encoder.tokens(["Many cells?", "Many red cells and bars?"])
    padded = torch.nn.functional.pad(tokens, (0, 6))
    with torch.no_grad():
        assert torch.allclose(head(images, tokens), head(images, padded), atol=1e-5)


def test_the_head_learns_what_needs_picture_and_question(tmp_path: Path) -> None:
    described = asked(tmp_path, {"red": (200, 30, 30), "blue": (30, 30, 200)})
    settings = vqa.FineTuning(epochs=30, batch=8, layers=1, width=32, heads=2, lr=2e-4, head_times=10, dropout=0)
    encoder = small_encoder()
    before = {name: tensor.clone() for name, tensor in encoder.model.state_dict().items()}
    result = vqa.evaluate(encoder, described, tmp_path, settings)
    assert result.scores["accuracy"].value > 90
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.model.state_dict().items())
