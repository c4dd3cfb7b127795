"""Zero-shot classification, linear probe and few-shot, from the same features of the same pictures.

Zero-shot as CLIP does it (arXiv 2103.00020): a class is the mean of its templates' text features, each of length 1, and
a picture belongs to the class with the largest cosine; a tie goes to the class named first.
The probe is scikit-learn's `LogisticRegression`: C times the summed log loss plus half the squared weights without the
intercepts; one row of weights for two classes, a row a class for more. C is the one with the best accuracy over
stratified folds, the smaller one where two are level, and 1 where a class has fewer examples than there are folds.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from train.distributed import World
from train.evaluation.embeddings import Encoder, embed_pictures, embed_texts
from train.evaluation.readers import Labelled, Labels, named, open_set
from train.evaluation.report import Result
from train.evaluation.sets import DataSet
from train.evaluation.statistics import Statistic, auroc, bootstrap, percentage, share_of

CS = tuple(10.0**power for power in range(-2, 6))
FOLDS = 3
NEWTON_STEPS = 100
DRAWS = 3  # of the few examples, by seeds 0, 1, 2; a picture counts by the share of the draws that get it right


def zero_shot(encoder: Encoder, described: DataSet, data: Path, world: World, cache: Path | None = None) -> Result:
    """On the test split. Raises `DataError`."""
    described = named(described, data)
    pictures = open_set(described, data, "test")
    features = embed_pictures(encoder, pictures, world, cache, whole=True)
    similarity = (features @ class_features(encoder, described, world, cache).T).numpy()
    predicted = similarity.argmax(1)
    statistics, main = {}, described.metric
    if main == "auroc":
        statistics["auroc"] = auroc(similarity[:, 1] - similarity[:, 0], pictures.labels == 1)
    statistics |= _accuracies(predicted == pictures.labels, pictures.labels, described.classes)
    confusion = np.zeros((len(described.classes),) * 2, dtype=np.int64)
    np.add.at(confusion, (pictures.labels, predicted), 1)
    return Result(
        task="zero-shot",
        data=described.name,
        n=len(pictures),
        official_n=described.n.get("test"),
        metric=main,
        scores=bootstrap(statistics, len(pictures)),
        classes=described.classes,
        templates=described.templates,
        published=described.published,
        notes=tuple(filter(None, [described.notes, *_exchanged(confusion, described.classes)])),
        details={"confusion": confusion.tolist()},
    )


def class_features(encoder: Encoder, described: DataSet, world: World, cache: Path | None = None) -> Tensor:
    """(classes, D) of unit length."""
    texts = [template.format(name) for name in described.classes for template in described.templates]
    embedded = embed_texts(encoder, texts, world, cache)
    means = embedded.view(len(described.classes), len(described.templates), -1).mean(1)
    return functional.normalize(means, dim=-1)


def _accuracies(hits: Any, labels: Labels, classes: Sequence[str]) -> dict[str, Statistic]:
    """All, and class by class."""
    return {"accuracy": percentage(hits)} | {
        f"accuracy of {name!r}": share_of(hits, labels == number) for number, name in enumerate(classes)
    }


def _exchanged(confusion: Any, classes: Sequence[str]) -> list[str]:
    """Pairs of classes whose names would fit better the other way round: swapped labels, or a weak model."""
    said = []
    for a in range(len(classes)):
        for b in range(a + 1, len(classes)):
            crossed, straight = confusion[a, b] + confusion[b, a], confusion[a, a] + confusion[b, b]
            if crossed > straight + 3 * (crossed + straight) ** 0.5:  # three standard deviations of a coin
                said.append(
                    f"{classes[a]!r} and {classes[b]!r} look exchanged: check the label map and the class order"
                )
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


def probe(
    encoder: Encoder,
    described: DataSet,
    data: Path,
    amounts: Sequence[Amount],
    world: World,
    cache: Path | None = None,
) -> list[Result]:
    """Trained on amounts of the train split, judged on the test split. Raises `DataError`."""
    described = named(described, data)
    splits: dict[str, tuple[Labelled, Any]] = {}
    for split in ("train", "test"):
        pictures = open_set(described, data, split)
        splits[split] = pictures, embed_pictures(encoder, pictures, world, cache, whole=True).double().numpy()
    (train, train_ND), (test, test_ND) = splits["train"], splits["test"]
    results = []
    for amount in amounts:
        hits, scores, chosen = np.zeros(len(test)), np.zeros(len(test)), []
        draws = 1 if amount == Amount() else DRAWS
        for seed in range(draws):
            rows = amount.rows(train.labels, seed)
            c = choose_c(train_ND[rows], train.labels[rows])
            logits = fit(train_ND[rows], train.labels[rows], c)(test_ND)
            hits += (logits.argmax(1) == test.labels) / draws
            scores += (logits[:, 1] - logits[:, 0]) / draws
            chosen.append(c)
        statistics = {"auroc": auroc(scores, test.labels == 1)} if described.metric == "auroc" else {}
        results.append(
            Result(
                task=f"probe, {amount}",
                data=described.name,
                n=len(test),
                official_n=described.n.get("test"),
                metric=described.metric,
                scores=bootstrap(statistics | _accuracies(hits, test.labels, described.classes), len(test)),
                classes=described.classes,
                notes=(described.notes,) if described.notes else (),
                details={"train": len(rows), "draws": draws, "C": chosen},
            )
        )
    return results


def fit(features: Any, labels: Labels, c: float) -> Callable[[Any], Any]:
    """(N, D) features → (N, classes) logits, at the minimum of scikit-learn's objective.

    By Newton's method with conjugate gradients, in fp64.
    """
    x, y = _with_ones(features), torch.as_tensor(labels)
    classes = int(y.max()) + 1
    target = y.double()[:, None] if classes == 2 else functional.one_hot(y).double()
    decay = torch.full((x.shape[1],), 1 / c, dtype=torch.float64)
    decay[-1] = 0  # the intercept

    def objective(weights: Tensor) -> float:
        logits = x @ weights.T
        above = functional.softplus(logits) if classes == 2 else logits.logsumexp(1, keepdim=True)
        return float(above.sum() - (logits * target).sum() + (decay * weights.square()).sum() / 2)

    weights = torch.zeros(target.shape[1], x.shape[1], dtype=torch.float64)
    for _ in range(NEWTON_STEPS):
        logits = x @ weights.T
        share = logits.sigmoid() if classes == 2 else logits.softmax(1)
        gradient = (share - target).T @ x + decay * weights
        if gradient.abs().max() <= 1e-9:
            break

        def curvature(v: Tensor, share: Tensor = share) -> Tensor:
            moved = x @ v.T
            mean = share * moved if classes == 2 else (share * moved).sum(1, keepdim=True)
            return (share * (moved - mean)).T @ x + decay * v

        step, before = _conjugate_gradients(curvature, -gradient), objective(weights)
        while objective(weights + step) > before + 1e-12 * abs(before) and step.abs().max() > 1e-14:
            step = step / 2
        weights = weights + step

    def classify(features: Any) -> Any:
        logits = _with_ones(features) @ weights.T
        return (torch.cat([torch.zeros_like(logits), logits], 1) if classes == 2 else logits).numpy()

    return classify


def _conjugate_gradients(product: Callable[[Tensor], Tensor], wanted: Tensor) -> Tensor:
    """The v with product(v) = wanted, the nearer the smaller `wanted` is."""
    v, rest = torch.zeros_like(wanted), wanted.clone()
    direction, size = rest, rest.square().sum()
    enough = size * min(1e-4, float(size) ** 0.5) ** 2
    for _ in range(2 * wanted.numel()):
        if size <= enough:
            break
        image = product(direction)
        length = size / (direction * image).sum()
        v, rest = v + length * direction, rest - length * image
        size, previous = rest.square().sum(), size
        direction = rest + size / previous * direction
    return v


def _with_ones(features: Any) -> Tensor:
    x = torch.as_tensor(features, dtype=torch.float64)
    return torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], 1)


def choose_c(features: Any, labels: Labels) -> float:
    """From `CS`, by the accuracy over folds."""
    if np.bincount(labels).min() < FOLDS:
        return 1.0
    fold = folds(labels)
    hits = []
    for c in CS:
        right = 0
        for held in range(FOLDS):
            inside = fold != held
            logits = fit(features[inside], labels[inside], c)(features[~inside])
            right += int((logits.argmax(1) == labels[~inside]).sum())
        hits.append(right)
    return CS[int(np.argmax(hits))]


def folds(labels: Labels) -> Labels:
    """(N,) each row's fold: of every class, the rows in their order are dealt out in turn."""
    fold = np.empty(len(labels), dtype=np.int64)
    for number in np.unique(labels):
        rows = np.flatnonzero(labels == number)
        fold[rows] = np.arange(len(rows)) % FOLDS
    return fold
