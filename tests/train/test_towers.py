"""The towers: open_clip's names, weights from local files, shapes of the published model."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.train.drawn_pairs import small_config
from train.config import load_config
from train.errors import ConfigError
from train.towers import Clip, build_model


def test_features_have_unit_length() -> None:
    model = build_model(small_config(), 200).eval()
    image = model.encode_image(torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8))
    text = model.encode_text(torch.tensor([[2, 7, 3, 0], [2, 8, 9, 3], [2, 3, 0, 0]]))
    assert image.shape == text.shape == (3, 32)
    assert torch.allclose(torch.cat([image, text]).norm(dim=1), torch.ones(6))


def test_padding_changes_nothing() -> None:
    model = build_model(small_config(), 200).eval()
    tokens = torch.tensor([[2, 7, 8, 3]])
    padded = torch.nn.functional.pad(tokens, (0, 9))
    assert torch.allclose(model.encode_text(tokens), model.encode_text(padded), atol=1e-6)


def test_biomedclip_has_the_shapes_of_the_published_weights() -> None:
    """195.9 M parameters in 351 tensors, under the names that open_clip gives them."""
    config = load_config("biomedclip", None, ["text.weights=", "image.weights="])
    with torch.device("meta"):
        model = build_model(config, config.text.vocab_size)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert len(shapes) == 351
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 1) == 195.9
    assert shapes["visual.head.proj.weight"] == (512, 768)
    assert shapes["text.proj.0.weight"] == (640, 768)
    assert shapes["text.proj.2.weight"] == (512, 640)
    assert shapes["visual.trunk.blocks.11.attn.qkv.weight"] == (2304, 768)
    assert shapes["text.transformer.encoder.layer.11.attention.self.key.bias"] == (768,)
    assert shapes["text.transformer.embeddings.word_embeddings.weight"] == (30522, 768)
    assert shapes["logit_scale"] == ()


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Clip, Path]:
    """A model, and its towers as timm and transformers store them."""
    model = build_model(small_config("run.seed=5"), 200)
    save_file(dict(model.visual.trunk.state_dict()), tmp_path / "vit.safetensors")
    model.text.transformer.save_pretrained(tmp_path / "bert")  # type: ignore[operator]
    return model, tmp_path


def test_pretrained_towers_come_from_local_files(trained: tuple[Clip, Path]) -> None:
    model, folder = trained
    config = small_config(f"image.weights={folder}/vit.safetensors", f"text.weights={folder}/bert")
    loaded = build_model(config, 200)
    for tower in ("visual.trunk", "text.transformer"):
        expected = model.get_submodule(tower).state_dict()
        actual = loaded.get_submodule(tower).state_dict()
        assert expected.keys() == actual.keys()
        assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert not torch.equal(loaded.visual.head.proj.weight, model.visual.head.proj.weight)  # type: ignore[arg-type, union-attr]


def test_what_does_not_fit_together_is_refused(trained: tuple[Clip, Path]) -> None:
    _, folder = trained
    with pytest.raises(ConfigError, match="the tokenizer has 300 entries, the text tower only 200"):
        build_model(small_config(f"text.weights={folder}/bert"), 300)
    with pytest.raises(ConfigError, match=r"data\.context_length is at most 512"):
        build_model(small_config(f"text.weights={folder}/bert", "data.context_length=600"), 200)
    with pytest.raises(ConfigError, match=r"cannot get the text weights '.*/none' .* --set text.weights=FOLDER"):
        build_model(small_config(f"text.weights={folder}/none"), 200)
    with pytest.raises(ConfigError, match=r"image tower vit_tiny_patch16_224: RuntimeError"):
        build_model(small_config(f"image.weights={folder}/vit.safetensors", "image.width=64"), 200)
    with pytest.raises(ConfigError, match=r"image tower test_resnet: TypeError"):
        build_model(small_config("image.model=test_resnet"), 200)
    no_vit = ("image.model=test_resnet", *(f"image.{size}=0" for size in ("patch_size", "width", "depth", "heads")))
    for setting in ("image.unlocked=1", "optim.layer_decay=0.5"):
        with pytest.raises(ConfigError, match=r"image tower test_resnet is no ViT: image\.unlocked is 0 or -1"):
            build_model(small_config(*no_vit, setting), 200)
