"""Zero-shot classification, linear probe and few-shot, from the same features of the same pictures.

Zero-shot as CLIP does it (arXiv 2103.00020): a class is the mean of its templates' text features, each of length 1, and
a picture belongs to the class with the largest cosine; a tie goes to the class named first.
The probe is scikit-learn's `LogisticRegression`. Its C is the one with the best accuracy over stratified folds, the
smaller one where two are level, and 1 where a class has fewer examples than there are folds.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional

from train.evaluation.embeddings import Encoder, embed_pictures, embed_texts
from train.evaluation.readers import Labelled, Labels, named, open_set
from train.evaluation.report import Result
from train.evaluation.sets import DataSet
from train.evaluation.statistics import Statistic, auroc, bootstrap, percentage

CS = tuple(10.0**power for power in range(-2, 6))
FOLDS = 3
TOLERANCE = 1e-9  # of the gradient: probabilities to 1e-6, where scikit-learn's default leaves 1e-2
DRAWS = 3  # of the few examples, by seeds 0, 1, 2; a picture counts by the share of the draws that get it right


def zero_shot(encoder: Encoder, described: DataSet, data: Path) -> Result:
    """On the test split. Raises `DataError`."""
    described = named(described, data)
    pictures = open_set(described, data, "test")
    features = embed_pictures(encoder, pictures, whole=True)
    similarity = (features @ class_features(encoder, described).T).numpy()
    predicted = similarity.argmax(1)
    confusion = np.zeros((len(described.classes),) * 2, dtype=np.int64)
    np.add.at(confusion, (pictures.labels, predicted), 1)
    return _result(
        described,
        pictures,
        predicted == pictures.labels,
        similarity,
        task="zero-shot",
        templates=described.templates,
        notes=(*pictures.notes, *_exchanged(confusion, described.classes)),
        details={"test list": pictures.listed, "confusion": confusion.tolist()},
    )


def class_features(encoder: Encoder, described: DataSet) -> Tensor:
    """(classes, D) of unit length."""
    texts = [template.format(name) for name in described.classes for template in described.templates]
    embedded = embed_texts(encoder, texts)
    means = embedded.view(len(described.classes), len(described.templates), -1).mean(1)
    return functional.normalize(means, dim=-1)


def _result(described: DataSet, pictures: Labelled, hits: Any, scores: Any, **more: Any) -> Result:
    """Of (N,) shares of 1 and (N, classes) scores: the metric, the accuracy of all and class by class."""
    statistics: dict[str, Statistic] = {}
    if described.metric == "auroc":
        statistics["auroc"] = auroc(scores[:, 1] - scores[:, 0], pictures.labels == 1)
    statistics["accuracy"] = percentage(hits)
    for number, name in enumerate(described.classes):
        statistics[f"accuracy of {name!r}"] = percentage(hits, pictures.labels == number)
    scores = bootstrap(statistics, len(pictures))
    return Result.of(
        described, len(pictures), scores, **{"classes": described.classes, "notes": pictures.notes, **more}
    )


def _exchanged(confusion: Any, classes: Sequence[str]) -> list[str]:
    """Pairs of classes whose names would fit better the other way round: swapped labels, or a weak model."""
    said = []
    for a, b in itertools.combinations(range(len(classes)), 2):
        crossed, straight = confusion[a, b] + confusion[b, a], confusion[a, a] + confusion[b, b]
        if crossed > straight + 3 * (crossed + straight) ** 0.5:  # three standard deviations of a coin
            said.append(f"{classes[a]!r} and {classes[b]!r} look exchanged: check the label map and the class order")
    return said


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """How many training examples a probe sees: a share of each class, or a number of each class."""

    share: float = 1.0
    shots: int = 0

    def __str__(self) -> str:
        return f"{self.shots}-shot" if self.shots else f"{100 * self.share:g} %"

    def rows(self, labels: Labels, seed: int) -> Labels:
        """Of each class the first of a shuffled order, so that smaller amounts lie inside larger ones."""
        taken = []
        for number in range(labels.max() + 1):
            rows = np.flatnonzero(labels == number)
            order = np.random.default_rng([seed, number]).permutation(rows)
            taken.append(order[: self.shots or max(1, round(self.share * len(rows)))])
        return np.sort(np.concatenate(taken))


def probe(encoder: Encoder, described: DataSet, data: Path, amounts: Sequence[Amount]) -> list[Result]:
    """Trained on amounts of the train split, judged on the test split. Raises `DataError`."""
    described = named(described, data)
    train, test = (open_set(described, data, split) for split in ("train", "test"))
    train_ND, test_ND = (embed_pictures(encoder, part, whole=True).double().numpy() for part in (train, test))
    results = []
    for amount in amounts:
        hits, scores, chosen = np.zeros(len(test)), np.zeros((len(test), len(described.classes))), []
        draws = 1 if amount == Amount() else DRAWS
        for seed in range(draws):
            rows = amount.rows(train.labels, seed)
            fitted, c = fit(train_ND[rows], train.labels[rows])
            hits += (fitted.predict(test_ND) == test.labels) / draws
            scores += fitted.predict_log_proba(test_ND) / draws
            chosen.append(c)
        details = {"test list": test.listed, "train": len(rows), "draws": draws, "C": chosen}
        task = f"probe, {amount}"
        results.append(_result(described, test, hits, scores, task=task, published=(), details=details))
    return results


def fit(features: Any, labels: Labels) -> tuple[Any, float]:
    """scikit-learn's classifier of (N, D) features, and its C."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    model = LogisticRegression(solver="newton-cg", tol=TOLERANCE)
    if np.bincount(labels).min() < FOLDS:
        return model.fit(features, labels), model.C
    search = GridSearchCV(model, {"C": CS}, cv=FOLDS).fit(features, labels)
    return search.best_estimator_, search.best_params_["C"]
