"""Every trained file that ships. `ledger.toml` says of each what made it, from what, when, and under which licence."""

import functools
import json
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
