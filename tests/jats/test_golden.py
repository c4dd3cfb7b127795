"""Whole articles and every field of what they become, checked by eye once and kept.

`python -m tests.jats.test_golden` writes the answers anew: read the difference before you commit it.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pmc15m.jats import FigureReason, parse_article

GOLDEN = Path(__file__).parent / "golden"


def answer(path: Path) -> Any:
    """The article as JSON has it; fields that say nothing are left out."""
    article = json.loads(json.dumps(asdict(parse_article(path.read_bytes(), other_graphics=True)), default=str))
    article["figures"] = [_filled(figure) for figure in article["figures"]]
    return _filled(article)


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in (None, [], False)}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.xml")), ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    assert answer(path) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_trap_file_that_no_other_parser_reads() -> None:
    found = parse_article((GOLDEN / "traps.xml").read_bytes()).figures
    assert [(f.position, f.figure_id, f.full_caption, [g.href for g in f.graphics]) for f in found] == [
        (1, "F1", "Title. Area in m².", ["a.tif"]),
        (2, "F2", "Group caption.", ["f2"]),
        (3, "F3", "Group caption. Child three.", ["f3"]),
        (4, "F4", None, ["f4.jpg"]),
        (5, "#5", "No id.", ["f4b"]),
        (6, "F5", "cap5 a", ["f5"]),
        (7, "F6", "Floating.", ["f6"]),
        (8, "F1", "Legenda.", ["a-pt"]),
    ]
    assert found[0].graphics[0].alternatives == ("a.jpg",)
    assert found[3].reason is FigureReason.NO_CAPTION
    assert [f.figure_id for f in found if f.mentions] == ["F1", "F2", "F3"]


if __name__ == "__main__":
    for made in GOLDEN.glob("*.xml"):
        text = json.dumps(answer(made), ensure_ascii=False, indent=1)
        made.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
