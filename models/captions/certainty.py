"""How sure a text of a label is (`certainty.json`), from captions that the network had not read.

    python -m models certainty DIR/certainty.jsonl --out FILE      DIR: of `python -m models texts … --left-out DIR`

Logistic regression (ridge 1). Prints, by the weights of other articles, what was promised beside what was kept.
"""

import argparse
import json
import zlib
from pathlib import Path

import numpy as np

from models.captions.logistic import Floats, as_json, fit_logistic

RIDGE, FOLDS, BINS = 1.0, 5, 10


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("left_out", type=Path)


def train(args: argparse.Namespace) -> bytes:
    rows = [json.loads(line) for line in args.left_out.read_text(encoding="utf-8").splitlines()]
    names = list(rows[0]["traits"])
    traits = np.array([[row["traits"][name] for name in names] for row in rows])
    right = np.array([row["right"] for row in rows], np.float64)
    asked = np.array([row["asked"] for row in rows])
    fold = np.array([zlib.crc32(row["article"].encode()) % FOLDS for row in rows])
    promised = np.zeros(len(rows))
    for k in range(FOLDS):
        w = fit_logistic(traits[fold != k], right[fold != k], RIDGE)
        promised[fold == k] = 1 / (1 + np.exp(-(w[0] + traits[fold == k] @ w[1:])))
    for name, chosen in (("all captions", asked | True), ("the captions of PIECES.jsonl", asked)):
        print(f"{name}: {chosen.sum()} texts, {right[chosen].mean():.3f} right")
        print(table(promised[chosen], right[chosen]))
    w = fit_logistic(traits, right, RIDGE)
    return as_json({name: float(value) for name, value in zip(["bias", *names], w, strict=True)})


def table(promised: Floats, kept: Floats) -> str:
    """A line for each tenth of certainty: how many texts, what was promised on average, what was kept."""
    lines = ["  certainty   texts  promised  kept"]
    for k in range(BINS):
        inside = (promised >= k / BINS) & (promised < (k + 1) / BINS + (k == BINS - 1))
        if inside.any():
            here = f"  {k / BINS:.1f}-{(k + 1) / BINS:.1f}  {inside.sum():8} "
            lines.append(f"{here} {promised[inside].mean():8.3f} {kept[inside].mean():6.3f}")
    return "\n".join(lines)
