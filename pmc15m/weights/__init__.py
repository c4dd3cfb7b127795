"""Every trained file that ships. `ledger.toml` says of each what made it, from what, when, and under which licence."""

import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
LEDGER = FOLDER / "ledger.toml"
FILES = tuple(sorted((*FOLDER.glob("*.onnx"), *FOLDER.glob("*.json"))))


@functools.cache
def fitted(name: str) -> Mapping[str, float]:
    """The weights of the linear model in `<name>.json`: a feature's name to natural log-odds, `bias` among them."""
    weights: Mapping[str, float] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return weights


def log_odds(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """What the weights of a linear model make of some features: natural log-odds."""
    return weights["bias"] + sum(weights[name] * value for name, value in features.items())


def probability(odds: float) -> float:
    """The probability, 0..1, that natural log-odds stand for."""
    return 1 / (1 + math.exp(-odds))
