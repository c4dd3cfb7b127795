"""Retrieval: does each picture find its caption among all, and each caption its picture?

Ranks are exact. The similarities of all pictures with all captions are made once, tile by tile, and serve both
directions: nothing of the size of the split squared is ever in memory. Similarities that differ by no more than `TIE`
are a tie, which goes to the lower row (open_clip's rule; fp32 cannot tell closer ones apart), so that a model that says
the same of everything scores chance. A similarity that is no number counts against the model.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train.errors import DivergedError
from train.evaluation.embeddings import Encoder, embed_pictures, embed_texts, split_pictures
from train.evaluation.report import Result
from train.evaluation.sets import DataSet
from train.evaluation.statistics import Score, bootstrap, median, percentage
from train.shards import Split, open_split

KS = (1, 5, 10)
TILE = 4096  # rows and columns
TIE = 1e-6
DIRECTIONS = {"image_to_text": "image→text", "text_to_image": "text→image"}


@dataclasses.dataclass(frozen=True, slots=True)
class Retrieval:
    """Both directions over n pairs; recalls in percent, ranks from 1."""

    n: int
    unreadable: int  # pairs left out because their picture cannot be decoded
    scores: dict[str, dict[str, Score]]  # direction → r1, r5, r10, median_rank

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, recalls as shares."""
        chance = 1 / self.n if self.n else None
        result: dict[str, Any] = {"n": self.n, "unreadable": self.unreadable, "chance_r1": chance}
        for way, scores in self.scores.items():
            interval = [scores["r1"].low / 100, scores["r1"].high / 100]
            result[way] = {f"r{k}": scores[f"r{k}"].value / 100 for k in KS}
            result[way] |= {"r1_95": interval, "median_rank": scores["median_rank"].value}
        return result

    def __str__(self) -> str:
        lines = []
        for way, scores in self.scores.items():
            first, rest = scores["r1"], "  ".join(f"R@{k} {scores[f'r{k}'].value:.1f}%" for k in KS[1:])
            shown = f"R@1 {first.value:.1f}% (95 %: {first.low:.1f}%–{first.high:.1f}%)"
            lines.append(f"{DIRECTIONS[way]} {shown}  {rest}  median rank {scores['median_rank'].value:g}")
        return "; ".join(lines)


def retrieve(encoder: Encoder, described: DataSet, data: Path) -> Result:
    """Over the split of an export that the reader's option names. Raises `DataError`, `DivergedError`."""
    split = open_split(described.where(data), described.reader.get("split", "test"))
    found = evaluate(encoder, split)
    return Result.of(
        described,
        found.n,
        {f"{way} {name}": score for way, made in found.scores.items() for name, score in made.items()},
        task="retrieval",
        metric="image_to_text r1",
        notes=(described.notes,) if described.notes else (),
        details={"split": split.name, "unreadable": found.unreadable},
    )


def evaluate(encoder: Encoder, split: Split) -> Retrieval:
    """Retrieval over a split, made by all processes together. Raises `DivergedError` for NaN features."""
    image_ND = embed_pictures(encoder, split_pictures(split))
    text_ND = embed_texts(encoder, list(split.texts()))
    readable = image_ND.any(1).nonzero()[:, 0]
    if unreadable := len(image_ND) - len(readable):
        image_ND, text_ND = (_only(features, readable) for features in (image_ND, text_ND))
    for tower, features in (("image", image_ND), ("text", text_ND)):
        if lost := int((~features.sum(1).isfinite()).sum()):  # of sums: `isfinite` itself takes the features twice
            raise DivergedError(f"{lost} of {len(features)} features of the {tower} tower are no finite numbers")
    return score(*ranks(image_ND, text_ND, device=encoder.world.device), unreadable)


def _only(features_ND: Tensor, rows: Tensor) -> Tensor:
    """Those of ascending rows, moved up in place, tile by tile."""
    for start in range(0, len(rows), TILE):
        some = rows[start : start + TILE]
        features_ND[start : start + len(some)] = features_ND[some]
    return features_ND[: len(rows)]


def score(image_to_text: Tensor, text_to_image: Tensor, unreadable: int = 0) -> Retrieval:
    """From the ranks (N,) of both directions, 0 = a hit at 1."""
    n = len(image_to_text)
    scores = {}
    for way, rank in zip(DIRECTIONS, (image_to_text.cpu().numpy(), text_to_image.cpu().numpy()), strict=True):
        recalls = {f"r{k}": percentage(rank < k) for k in KS}
        scores[way] = bootstrap(recalls | {"median_rank": median(rank + 1.0)}, n)
    return Retrieval(n, unreadable, scores)


def ranks(image_ND: Tensor, text_ND: Tensor, tile: int = TILE, device: Any = "cpu") -> tuple[Tensor, Tensor]:
    """(N,) and (N,): how many captions come before a picture's own, and how many pictures before a caption's own."""
    n = len(image_ND)
    own = torch.einsum("nd,nd->n", image_ND, text_ND).to(device)
    image_to_text, text_to_image = (torch.zeros(n, dtype=torch.int64, device=device) for _ in range(2))
    for row in range(0, n, tile):
        image_TD = image_ND[row : row + tile].to(device)
        rows = slice(row, row + len(image_TD))
        for column in range(0, n, tile):
            text_TD = text_ND[column : column + tile].to(device)
            columns = slice(column, column + len(text_TD))
            similarity = image_TD @ text_TD.T
            image_to_text[rows] += _before(similarity, own[rows], row, column)
            text_to_image[columns] += _before(similarity.T, own[columns], column, row)
    return image_to_text, text_to_image


def _before(similarity_QT: Tensor, own_Q: Tensor, query: int, target: int) -> Tensor:
    """(Q,) how many targets of a tile come before each query's own; `query`, `target`: the tile's first rows."""
    low, high = (own_Q - TIE)[:, None], (own_Q + TIE)[:, None]
    if target == query:
        earlier = torch.ones_like(similarity_QT, dtype=torch.bool).tril(-1)
        behind = torch.where(earlier, similarity_QT < low, similarity_QT <= high)
    else:  # ties go to earlier rows
        behind = similarity_QT < low if target < query else similarity_QT <= high
    ones = torch.ones(behind.shape[1], device=behind.device)  # the product sums ten times faster than `sum` of booleans
    return behind.shape[1] - (behind.float() @ ones).long()
