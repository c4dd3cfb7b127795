"""µ-Bench's layout as `datasets` writes it, and answers by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.train.models import small_encoder
from tests.train.official import OPTIONS, SOURCES, patch, ubench, ubench_rows
from train.errors import DataError
from train.evaluation.choices import multiple_choice
from train.evaluation.sets import load_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("choices")
    ubench(root, ubench_rows())
    return root


def test_the_caption_with_the_largest_cosine_is_the_answer(data: Path) -> None:
    encoder, described = small_encoder(), load_set("ubench")
    result = multiple_choice(encoder, described, data)
    hits: dict[Any, list[bool]] = {}
    texts = encoder.texts(OPTIONS)
    for number, source in enumerate(SOURCES):
        crop = torch.from_numpy(encoder.prepare(patch(number, (80, 60))))[None]
        similarity = texts[: 2 + number % 2] @ encoder.images(crop)[0]
        hits.setdefault(source, []).extend([int(similarity.argmax()) == number % 2] * (1 if number == 3 else 2))
    assert result.scores["accuracy"].value == pytest.approx(
        100 * np.mean([hit for some in hits.values() for hit in some])
    )
    assert result.details["questions"] == 7
    assert result.details["who guesses"] == f"{100 * (2 / 2 + 2 / 3 + 2 / 2 + 1 / 3) / 7:.2f}"
    kather = 100 * np.mean(hits["kather_et_al_2016"])
    assert result.details["accuracy of kather_et_al_2016"].startswith(f"{kather:.2f} [")
    assert "accuracy of unnamed" in result.details
    assert "4 test examples, officially 17315" in result.notes[-1]


@pytest.mark.parametrize("wrong", ["answer", "column", "torn", "absent"])
def test_what_is_wrong_with_a_copy_is_one_line(wrong: str, tmp_path: Path) -> None:
    examples = ubench_rows()
    if wrong == "answer":
        examples[1]["captions"]["classification_0"] = {"options": OPTIONS[:2], "answer": OPTIONS[0], "answer_idx": 2}
    if wrong == "column":
        examples = [{**example, "captions": {"classification_0": None}} for example in examples]
    folder = ubench(tmp_path, examples)
    for path in folder.glob("*.arrow"):
        if wrong == "torn":
            path.write_bytes(path.read_bytes()[:100])
        if wrong == "absent":
            path.unlink()
    messages = {
        "answer": "id1 has an answer that is none of its options",
        "column": "is not as µ-Bench is published: 'classification_1'",
        "torn": "is not as µ-Bench is published",
        "absent": "holds no .arrow files",
    }
    with pytest.raises(DataError) as raised:
        multiple_choice(small_encoder(), load_set("ubench"), tmp_path)
    assert messages[wrong] in str(raised.value)
    assert "\n" not in str(raised.value)
