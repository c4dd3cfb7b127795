"""The exported folder: what others load from it is the model that was trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.train.drawn_pairs import draw_pair, small_config
from train import _torchvision, loop
from train.__main__ import main
from train.images import decode_crop
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
    _torchvision.make_importable()
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


def test_open_clip_gives_the_same_features(exported: tuple[Path, Path]) -> None:
    _torchvision.make_importable()
    open_clip = pytest.importorskip("open_clip", reason="open_clip_torch is not installed")
    run, folder = exported
    model, tokenizer = load_model(read(run))
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    images = torch.from_numpy(decode_crop(draw_pair(3)[0], 160, 10**8))[None]
    tokens = torch.from_numpy(encode(tokenizer, [draw_pair(3)[1]], 24))
    pixels = (images / 255 - model.mean) / model.std
    assert torch.allclose(theirs.encode_image(pixels, normalize=True), model.encode_image(images), atol=1e-5)
    assert torch.allclose(theirs.encode_text(tokens, normalize=True), model.encode_text(tokens), atol=1e-5)
    padded = open_clip.get_tokenizer(f"local-dir:{folder}")([draw_pair(3)[1]])
    assert padded.shape == (1, config.data.context_length)
    assert padded[0, : tokens.shape[1]].tolist() == tokens[0].tolist()


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
