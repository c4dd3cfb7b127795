"""Multiple choice as µ-Bench asks CLIP models (arXiv 2407.01791): a picture, and captions of its own to choose from.

    ubench    `path`: a folder with the Arrow files that `datasets` writes. A row has the picture (`image`), the set it
              comes from (`dataset`) and under `captions`, for each of `asked`, the `options` and the `answer_idx`

The answer is the caption with the largest cosine, the first of equal ones. Pictures are resampled, not questions.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image

from train.errors import DataError
from train.evaluation.embeddings import Encoder, embed_pictures, embed_texts, fingerprint_of, open_picture
from train.evaluation.report import Result
from train.evaluation.sets import DataSet, list_digest
from train.evaluation.statistics import bootstrap, share_of


class Question(NamedTuple):
    row: int  # of the picture
    options: tuple[str, ...]
    answer: int


class Choices:
    """Pictures and the questions about them. Follows `embeddings.Pictures`. Raises `DataError`."""

    def __init__(self, described: DataSet, data: Path) -> None:
        options = described.options("test")
        root = described.where(data) / options["path"]
        files = sorted(root.rglob("*.arrow"))
        if not files:
            raise DataError(f"{described.name}: {root} holds no .arrow files")
        try:
            table = pa.concat_tables(pa.ipc.open_stream(pa.memory_map(str(path))).read_all() for path in files)
            captions = table["captions"].to_pylist()
            self.sources = [source or "unnamed" for source in table["dataset"].to_pylist()]
            self._pictures, self._ids = table["image"], [str(name) for name in table["image_id"].to_pylist()]
            self.questions = [
                Question(row, tuple(asked["options"]), int(asked["answer_idx"]))
                for row, of_picture in enumerate(captions)
                for asked in (of_picture[key] for key in options["asked"])
                if asked and asked["options"]
            ]
        except (pa.ArrowException, KeyError, TypeError) as error:
            said = str(error).splitlines()[0]
            raise DataError(f"{described.name}: {root} is not as µ-Bench is published: {said}") from None
        if wrong := [question for question in self.questions if not 0 <= question.answer < len(question.options)]:
            raise DataError(f"{described.name}: {self._ids[wrong[0].row]} has an answer that is none of its options")
        self.fingerprint = fingerprint_of(files)
        self.listed = list_digest(f"{self._ids[q.row]} {q.options[q.answer]}" for q in self.questions)

    def __len__(self) -> int:
        return len(self._ids)

    def picture(self, row: int) -> Image.Image:
        return open_picture(io.BytesIO(self._pictures[row].as_py()["bytes"] or b""))

    def name(self, row: int) -> str:
        return self._ids[row]


def multiple_choice(encoder: Encoder, described: DataSet, data: Path) -> Result:
    """On the test split, all and by source. Raises `DataError`."""
    asked = Choices(described, data)
    image_ND = embed_pictures(encoder, asked, whole=True)
    places: dict[str, int] = {}
    for question in asked.questions:
        for option in question.options:
            places.setdefault(option, len(places))
    text_OD = embed_texts(encoder, list(places))
    hits, counts, chance = (np.zeros(len(asked)) for _ in range(3))
    for row, options, answer in asked.questions:
        similarity = text_OD[[places[option] for option in options]] @ image_ND[row]
        hits[row] += int(similarity.argmax()) == answer
        counts[row] += 1
        chance[row] += 1 / len(options)
    share, sources = hits / np.maximum(counts, 1), np.array(asked.sources)
    scores = bootstrap(
        {"accuracy": share_of(share, counts)}
        | {source: share_of(share, counts * (sources == source)) for source in sorted(set(asked.sources))},
        len(asked),
    )
    details: dict[str, Any] = {"test list": asked.listed, "questions": len(asked.questions)}
    details["who guesses"] = f"{100 * chance.sum() / counts.sum():.2f}"
    details |= {f"accuracy of {name}": str(score) for name, score in scores.items() if name != "accuracy"}
    return Result(
        task="multiple-choice",
        data=described.name,
        n=len(asked),
        official_n=described.n.get("test"),
        metric="accuracy",
        scores={"accuracy": scores["accuracy"]},
        published=described.published,
        notes=described.departures("test", len(asked), asked.listed),
        details=details,
    )
