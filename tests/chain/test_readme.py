"""README's commands are run, and its answers are the ones that they print."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chain.cells import run

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```console\n(\$ .*?)\n```", README.read_text(encoding="utf-8"), re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_questions() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_answers_are_real(block: str, demo: Path) -> None:
    command, _, answer = block.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    assert words[0] == "pmc15m"
    ran = subprocess.run(
        [sys.executable, "-m", "pmc15m.cli", *words[1:]],
        cwd=demo,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert [line.rstrip() for line in ran.stdout.splitlines()] == [line.rstrip() for line in answer.splitlines()]


def test_the_python_runs(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo)
    namespace: dict[str, Any] = {}
    shown_figure, _, parsed = (run(block, namespace) for block in PYTHON)
    assert shown_figure.marks
    assert namespace["pair"].image.size == (namespace["pair"]["width"], namespace["pair"]["height"])
    assert len(namespace["texts"]) == 32
    assert namespace["found"].texts == ("Axial image of the abdomen.", "Axial image of the chest.")
    assert parsed[0].caption == "A cell."
    namespace["picture"].close()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"`make ([a-z0-9]+)`|^    make ([a-z0-9]+)", README.read_text(encoding="utf-8"), re.M))
    names = {name for pair in targets for name in pair if name}
    assert {"demo", "sample", "pmc15m"} <= names
    makefile = README.with_name("Makefile").read_text(encoding="utf-8")
    for name in names:
        assert re.search(rf"^({name}|.* {name}|{name} .*|.* {name} .*):", makefile, re.M), name


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    lost = []
    for link in (link for link in links if not link.startswith("http")):
        name, _, heading = link.partition("#")
        path = README.parent / name
        if not path.exists() or (heading and f"\n## {heading}\n" not in path.read_text(encoding="utf-8")):
            lost.append(link)
    assert lost == []


def test_what_a_package_index_shows_needs_no_file_beside_it() -> None:
    command = [sys.executable, "-m", "hatch_fancy_pypi_readme"]
    shown = subprocess.run(command, cwd=README.parent, capture_output=True, text=True, check=True).stdout
    assert [link for link in re.findall(r"\]\(([^)]+)\)", shown) if not link.startswith("http")] == []
    assert "mermaid" not in shown
    assert "benchmarks/README.md" in shown
    assert len(shown) > 0.9 * len(README.read_text(encoding="utf-8"))


def test_make_help_lists_the_targets() -> None:
    said = subprocess.run(["make", "help"], cwd=README.parent, capture_output=True, text=True, check=True)
    assert {"demo", "test", "sample", "pmc15m"} <= set(said.stdout.split())
