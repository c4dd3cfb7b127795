"""The exported folder: what others load from it is the model that was trained."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import draw_pair, small_config
from tests.train.test_pretrained import write_bert
from train import loop
from train.__main__ import main
from train.pretrained import load_model, read
from train.tokens import encode

# timm's own test network: a ViT that needs no sizes beside its name.
OWN_SIZE = ("image.model=test_vit", "image.patch_size=0", "image.width=0", "image.depth=0", "image.heads=0")
NAMED_VIT = (*OWN_SIZE, "data.image_size=160")


@pytest.fixture(scope="module")
def exported(export: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run and the folder made from it."""
    base = tmp_path_factory.mktemp("exported")
    loop.run(small_config("run.steps=1", *NAMED_VIT), export, base / "run")
    assert main(["export", str(base / "run"), str(base / "clip")]) == 0
    return base / "run", base / "clip"


def test_transformers_and_timm_load_the_towers(exported: tuple[Path, Path]) -> None:
    run, folder = exported
    import timm
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = load_model(read(run))
    text = [draw_pair(3)[1]]
    tokens = torch.from_numpy(encode(tokenizer, text, 24))
    fast: Any = AutoTokenizer.from_pretrained(folder)
    assert fast(text, truncation=True, max_length=24)["input_ids"] == tokens.tolist()

    bert: Any = AutoModel.from_pretrained(folder / "text", add_pooling_layer=False).eval()
    own: Any = model.text.transformer
    assert torch.equal(bert(tokens).last_hidden_state, own(tokens).last_hidden_state)

    vit = timm.create_model("test_vit", num_classes=0).eval()
    vit.load_state_dict(load_file(folder / "image.safetensors"))
    pixels = torch.rand(2, 3, 160, 160)
    assert torch.equal(vit(pixels), model.visual.trunk(pixels))


OPENS = """
import json, pathlib, sys
import torch
from train import _torchvision; _torchvision.make_importable()
import open_clip
from tests.train.drawn_pairs import draw_pair
from tests.train.test_export import TEXTS
from train.images import decode_crop
from train.pretrained import load_model, read
from train.tokens import encode

ours, name, folder = sys.argv[1:]
model, tokenizer = load_model(read(pathlib.Path(ours)))
text = json.load(open(f"{folder}/open_clip_config.json"))["model_cfg"]["text_cfg"] if folder else {}
extra = {"text_cfg": text | {"hf_model_name": folder}} if folder else {}
theirs = open_clip.create_model_from_pretrained(name, return_transform=False, **extra).eval()
tokens = open_clip.get_tokenizer(name)(TEXTS)
images = torch.from_numpy(decode_crop(draw_pair(3)[0], 160, 10**8))[None]
with torch.no_grad():
    image = theirs.encode_image((images / 255 - model.mean) / model.std, normalize=True) - model.encode_image(images)
    rows = torch.from_numpy(encode(tokenizer, TEXTS, 24))
    text = theirs.encode_text(tokens, normalize=True) - model.encode_text(rows)
assert tokens[:, : rows.shape[1]].tolist() == rows.tolist()
assert not tokens[:, rows.shape[1] :].any()
assert float(image.abs().max()) <= 1e-6
assert float(text.abs().max()) <= 1e-6
"""
TEXTS = [draw_pair(3)[1], "Blue cells"]


def opens(place: Path, arguments: list[str], hub: Path) -> None:
    """In a process of its own, offline, which knows neither the run nor where the folder was made."""
    env = os.environ | {"HF_HOME": str(hub), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", OPENS, *arguments], cwd=place, env=env, check=True)


def test_open_clip_opens_a_folder_that_was_moved(exported: tuple[Path, Path], tmp_path: Path) -> None:
    moved = Path(shutil.copytree(exported[1], tmp_path / "elsewhere"))
    opens(moved, [str(moved), "local-dir:.", ""], tmp_path)
    opens(tmp_path, [str(moved), f"local-dir:{moved}", str(moved)], tmp_path)  # as its README says


def test_open_clip_opens_it_as_it_lies_on_the_hub(exported: tuple[Path, Path], tmp_path: Path) -> None:
    named = tmp_path / "named"
    assert main(["export", str(exported[0]), str(named), "--hub", "maker/model", "-q"]) == 0
    stored = tmp_path / "home" / "hub" / "models--maker--model"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text("a" * 40)
    shutil.move(named, stored / "snapshots" / ("a" * 40))
    opens(tmp_path, [str(exported[1]), "hf-hub:maker/model", ""], tmp_path / "home")


def test_nothing_in_the_folder_leads_back_to_where_it_was_made(export: Path, tmp_path: Path) -> None:
    """Nor does a BERT that was read from a folder of this machine."""
    bert = write_bert(tmp_path / "bert")
    loop.run(small_config("run.steps=1", *NAMED_VIT, f"text.weights={bert}"), export, tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "folder"), "-q"]) == 0
    shutil.rmtree(bert)
    for path in (tmp_path / "folder").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    models = [part for name in ("folder", "run") for part in ("--model", str(tmp_path / name))]
    assert main(["evaluate", *models, "--data", str(export), "--out", str(tmp_path / "evaluation"), "-q"]) == 0


def test_the_configuration_has_open_clips_key_names(exported: tuple[Path, Path]) -> None:
    _, folder = exported
    described = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    assert described["vision_cfg"]["timm_model_name"] == "test_vit"
    assert described["text_cfg"].keys() >= {"hf_model_name", "hf_tokenizer_name", "hf_proj_type", "hf_pooler_type"}
    assert "step 1" in (folder / "README.md").read_text()


def test_what_open_clip_could_not_build_is_refused(
    export: Path, exported: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(exported[0]), str(exported[1])]) == 2
    assert "exists already" in capsys.readouterr().err
    others = (((), "image.patch_size is not that of the timm name"), (OWN_SIZE, "builds test_vit for 160 px, not 32"))
    for number, (settings, message) in enumerate(others):
        run, folder = tmp_path / f"run{number}", tmp_path / f"clip{number}"
        loop.run(small_config("run.steps=1", *settings), export, run)
        assert main(["export", str(run), str(folder)]) == 2
        assert message in capsys.readouterr().err
        assert not folder.exists()
