"""`pmc15m.pairs`: rows without a picture read, pictures when they are asked for, samples in torch's own loader."""

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import pmc15m
from pmc15m.errors import DamageError, UsageError
from pmc15m.workspace import Workspace, read_part, write_part
from tests.query.made_up import HOSTILE, fill

TEAL, CRIMSON = (0, 128, 128), (220, 20, 60)


def test_a_panel_is_cut_out_of_its_figure(workspace: Workspace) -> None:
    left, right = pmc15m.pairs(workspace, level="panel")
    assert (left.key, left.text, left["label"], left.context) == ("PMC1_1_f001_g01_p00", "MRI: left.", "A", None)
    assert left.image.size == right.image.size == (200, 300)
    assert left.image.getpixel((100, 150)) == TEAL
    assert left.image.getpixel((199, 150)) == (255, 255, 255), "the margin between the panels"


def test_a_figure_is_its_whole_picture(workspace: Workspace) -> None:
    [pair] = pmc15m.pairs(workspace, "list_contains(modalities, 'CT')")
    assert pair.image.size == (400, 300)
    assert pair.image.getpixel((200, 150)) == CRIMSON
    pair.image.paste("black", (0, 0, 400, 300))
    assert pair.image.getpixel((200, 150)) == CRIMSON, "each time the picture as it is stored"


@pytest.mark.parametrize("name", [str, Path, Workspace])
def test_a_workspace_is_named_in_any_way(workspace: Workspace, name: type) -> None:
    root = name(str(workspace.root))
    assert [pair.key for pair in pmc15m.pairs(root)] == [
        *("PMC1_1_f001_g01", "PMC1_1_f001_g01_p00", "PMC1_1_f001_g01_p01"),
        *("PMC1_1_f002_g01", "PMC2_1_f001_g01"),
    ]
    assert pmc15m.connect(root).sql("SELECT count(*) FROM pairs").fetchall() == [(5,)]


def test_conditions_are_met_together(workspace: Workspace) -> None:
    found = pmc15m.pairs(workspace, "year = 2020 OR year = 2018 -- both", level="figure", split="test")
    assert [pair["year"] for pair in found] == [2018]
    assert len(pmc15m.pairs(workspace, "false")) == 0
    assert list(pmc15m.pairs(workspace, "false")) == []


def test_pairs_are_a_sequence(workspace: Workspace) -> None:
    found = pmc15m.pairs(workspace)
    assert (len(found), len(found[1:3]), len(found[::2][1:])) == (5, 2, 2)
    assert [pair.key for pair in found[::-1]] == [found[place].key for place in (4, 3, 2, 1, 0)]
    assert found[-1].text == HOSTILE
    with pytest.raises(IndexError):
        found[5]
    assert repr(found) == f"<5 pairs of {workspace.root}>"


def test_rows_are_found_in_every_batch(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [pair.row for pair in pmc15m.pairs(workspace)]
    monkeypatch.setattr("pmc15m.dataset.pairs._BATCH", 2)
    pieces = pmc15m.pairs(workspace)
    assert [pieces[place].row for place in range(5)] == whole


def test_no_picture_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    workspace.tar("00000").unlink()
    pair = pmc15m.pairs(workspace)[0]
    assert pair.text == "Two squares. (A) Left. (B) Right."
    with pytest.raises(FileNotFoundError):
        _ = pair.image


def test_no_byte_is_believed_unchecked(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    tar = workspace.tar("00000")
    tar.write_bytes(tar.read_bytes().replace(b"IDAT", b"IDAU", 1))
    with pytest.raises(DamageError, match="has other bytes than were fetched"):
        _ = pmc15m.pairs(workspace)[0].image
    part = workspace.part("pairs", "00000")
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    with pytest.raises(DamageError):
        pmc15m.pairs(workspace)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = pmc15m.pairs(workspace)
    assert sorted(tmp_path.rglob("*")) == before
    assert len({pair.key for pair in found}) == 5


def test_a_workspace_that_cannot_be_written_can_be_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "access", lambda path, mode: asked.append(path))
    assert len(list(pmc15m.pairs(workspace))) == 5
    assert asked == [workspace.root]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"where": "colour = 'red'"}, "colour"),
        ({"where": "year ="}, "Parser Error"),
        ({"where": "year IN (SELECT * FROM 'elsewhere.csv')"}, "--allow-files|elsewhere"),
        ({"level": "panels"}, "level is figure, panel, not 'panels'"),
        ({"split": "validation"}, "split is train, val, test, not 'validation'"),
        ({"recipe": "unheard-of"}, "there is no recipe 'unheard-of'; shipped: biomedical-images"),
    ],
)
def test_wrong_questions_are_one_line(workspace: Workspace, asked: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        pmc15m.pairs(workspace, **asked)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_a_folder_without_pairs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is nothing in .*; `pmc15m run` fills it"):
        pmc15m.pairs(tmp_path)


def sample(pair: pmc15m.Pair) -> tuple[torch.Tensor, str]:
    small = pair.image.convert("RGB").resize((32, 32))
    return torch.tensor(list(small.tobytes()), dtype=torch.uint8), pair.text


def test_torch_loads_batches_in_two_processes(workspace: Workspace) -> None:
    samples = pmc15m.pairs(workspace).map(sample)
    loader = DataLoader(samples, batch_size=2, num_workers=2, multiprocessing_context="spawn")  # type: ignore[arg-type]
    batches = list(loader)
    assert [pictures.shape for pictures, _ in batches] == [(2, 3072), (2, 3072), (1, 3072)]
    assert [text for _, texts in batches for text in texts] == [pair.text for pair in pmc15m.pairs(workspace)]
    alone = torch.stack([sample(pair)[0] for pair in pmc15m.pairs(workspace)])
    assert torch.equal(torch.cat([pictures for pictures, _ in batches]), alone)


def test_another_process_sees_the_same_pairs_or_none(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    sent = pickle.dumps(pmc15m.pairs(workspace, level="panel")[1:])
    assert [pair.key for pair in pickle.loads(sent)] == ["PMC1_1_f001_g01_p01"]
    workspace.part("pairs", "00000").rename(workspace.part("pairs", "00001"))
    assert len(pickle.loads(sent)) == 1, "what a part is called is not among them"
    rows = read_part(workspace.part("pairs", "00001"))
    write_part(workspace.part("pairs", "00001"), rows.take([0, 2, 1, 3, 4]), "in another order")
    with pytest.raises(UsageError, match="has other pairs than before"):
        pickle.loads(sent)


def test_a_recipe_keeps_the_order_of_the_shards(tmp_path: Path) -> None:
    workspace = fill(tmp_path)
    rows = read_part(workspace.part("pairs", "00000"))
    for number in range(1, 40):
        keys = [f"PMC{number}0{row}" for row in range(5)]
        named = rows.set_column(0, rows.schema.field(0), [pa.array(keys)])
        write_part(workspace.part("pairs", f"{number:05d}"), named, "made up")
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'description = "all of 2020"\n[[predicate]]\nname = "year"\nwhere = "year = 2020"\nwhy = "to have some"\n'
    )
    keys = [pair.key for pair in pmc15m.pairs(workspace, recipe=str(recipe))]
    assert keys == [pair.key for pair in pmc15m.pairs(workspace, "year = 2020")]
    assert len(keys) == 3 * 40
    assert len(pmc15m.pairs(workspace, "label = 'A'", recipe=str(recipe))) == 40
    assert len(pmc15m.pairs(workspace, "year = 2021", recipe=str(recipe))) == 0


def test_a_notebook_shows_a_pair(workspace: Workspace) -> None:
    pair = pmc15m.pairs(workspace)[-1]
    assert Image.open(io.BytesIO(pair._repr_png_())).size == (400, 300)
    page = pair._repr_html_()
    assert pair.key in page, "for show"
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page


def test_type_checkers_are_told_to_look() -> None:
    assert Path(pmc15m.__file__).with_name("py.typed").is_file()


def test_the_package_is_imported_at_no_cost() -> None:
    heavy = ("pyarrow", "duckdb", "lxml", "PIL", "numpy", "requests", "onnxruntime")
    code = f"""if True:
        import sys, pmc15m
        print([module for module in {heavy} if module in sys.modules])
        print([name for name in pmc15m.__all__ if getattr(pmc15m, name).__name__ != name])
        print(set(pmc15m.__all__) <= set(dir(pmc15m)))"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["[]", "[]", "True"]
    assert said.stderr == "", "and is left without a word"
    with pytest.raises(AttributeError, match="has no attribute 'pears'"):
        _ = pmc15m.pears  # type: ignore[attr-defined]
