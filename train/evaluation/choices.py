"""Multiple choice as µ-Bench asks CLIP models (arXiv 2407.01791): a picture, and captions of its own to choose from.

    ubench    `path`: a folder with the Arrow files that `datasets` writes. A row has the picture (`image`), the set it
              comes from (`dataset`) and under `captions`, for each of `asked`, the `options` and the `answer_idx`

The answer is the caption with the largest cosine, the first of equal ones. Pictures are resampled, not questions.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch

from train.errors import DataError
from train.evaluation.embeddings import Encoder, Pictures, embed_pictures, embed_texts, fingerprint_of, open_picture
from train.evaluation.report import Result
from train.evaluation.sets import DataSet, list_digest
from train.evaluation.statistics import bootstrap, percentage


class Question(NamedTuple):
    row: int  # of the picture
    options: tuple[str, ...]
    answer: int


def _open(described: DataSet, data: Path) -> tuple[Pictures, list[str], list[Question]]:
    """The pictures, where each comes from, and the questions of the test split. Raises `DataError`."""
    options = described.options("test")
    root = described.where(data) / options["path"]
    files = sorted(root.rglob("*.arrow"))
    if not files:
        raise DataError(f"{described.name}: {root} holds no .arrow files")
    try:
        table = pa.concat_tables(pa.ipc.open_stream(pa.memory_map(str(path))).read_all() for path in files)
        pictures, ids, sources, captions = (table[name] for name in ("image", "image_id", "dataset", "captions"))
        names = list(map(str, ids.to_pylist()))
        questions = [
            Question(row, tuple(asked["options"]), int(asked["answer_idx"]))
            for row, of_picture in enumerate(captions.to_pylist())
            for asked in (of_picture[key] for key in options["asked"])
            if asked and asked["options"]
        ]
    except (pa.ArrowException, KeyError, TypeError) as error:
        said = str(error).splitlines()[0]
        raise DataError(f"{described.name}: {root} is not as µ-Bench is published: {said}") from None
    if wrong := [question for question in questions if not 0 <= question.answer < len(question.options)]:
        raise DataError(f"{described.name}: {names[wrong[0].row]} has an answer that is none of its options")
    found = Pictures(
        count=len(names),
        picture=lambda row: open_picture(pictures[row].as_py()["bytes"] or b""),
        name=names.__getitem__,
        fingerprint=fingerprint_of(files),
    )
    return found, [source or "unnamed" for source in sources.to_pylist()], questions


def multiple_choice(encoder: Encoder, described: DataSet, data: Path) -> Result:
    """On the test split, all and by source. Raises `DataError`."""
    pictures, named, questions = _open(described, data)
    image_ND = embed_pictures(encoder, pictures, whole=True)
    captions = list(dict.fromkeys(option for question in questions for option in question.options))
    text_of = dict(zip(captions, embed_texts(encoder, captions), strict=True))
    hits, counts, chance = (np.zeros(len(pictures)) for _ in range(3))
    for row, options, answer in questions:
        similarity = torch.stack([text_of[option] for option in options]) @ image_ND[row]
        hits[row] += int(similarity.argmax()) == answer
        counts[row] += 1
        chance[row] += 1 / len(options)
    share, sources = hits / np.maximum(counts, 1), np.array(named)
    statistics = {source: percentage(share, counts * (sources == source)) for source in sorted(set(named))}
    scores = bootstrap({"accuracy": percentage(share, counts)} | statistics, len(pictures))
    listed = list_digest(f"{pictures.name(q.row)} {q.options[q.answer]}" for q in questions)
    details = {"test list": listed, "questions": len(questions)}
    details |= {"who guesses": f"{100 * chance.sum() / counts.sum():.2f}"}
    details |= {f"accuracy of {name}": str(score) for name, score in scores.items() if name != "accuracy"}
    return Result.of(
        described,
        len(pictures),
        {"accuracy": scores["accuracy"]},
        task="multiple-choice",
        notes=described.departures("test", len(pictures), listed),
        details=details,
    )
