"""The notebook of examples/ is one, and runs from its first cell to its last beside what `make demo` makes.

Its code runs here, without a kernel: Jupyter's server, kernel and client (some 25 packages) would only carry the same
lines to another process and back. That the file is a notebook is for nbformat to say.
"""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.chain.cells import run, shown

NOTEBOOK = Path(__file__).parents[2] / "examples" / "dataset.ipynb"


def test_the_notebook_is_valid_and_carries_no_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 10
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_every_cell_shows_what_it_promises(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (demo / "examples").mkdir(exist_ok=True)
    monkeypatch.chdir(demo / "examples")
    namespace: dict[str, Any] = {}
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    pages = [shown(run(cell.source, namespace)) for cell in cells if cell.cell_type == "code"]
    assert all(page != "None" for page in pages)
    assert "figure" in pages[0]
    assert "CC BY" in pages[1]
    for number in (2, 4, 5, 8):
        assert "<img " in pages[number]
    assert pages[6] == f"<{len(namespace['train'])} pairs of ../data/demo>"
    assert pages[7] == "torch.Size([8, 224, 224, 3])"
    assert "split aligned" in pages[8]
    assert pages[9] == "{'A': 'CT of the chest axial view.', 'B': 'CT of the chest coronal view.'}"
