"""The examples in docstrings say what really comes out."""

import doctest
import importlib
from pathlib import Path

import pytest

import pmc15m

ROOT = Path(pmc15m.__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "pmc15m").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_real(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_the_public_functions_have_examples() -> None:
    assert {"pmc15m.figures.separate", "pmc15m.figures.captions.split", "pmc15m.jats.article"} <= set(MODULES)
