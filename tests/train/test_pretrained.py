"""Models of others: what open_clip wrote is read to the same features, and what cannot be held is said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertModel

from tests.train.drawn_pairs import SMALL, draw_pair, small_config
from train import loop
from train.__main__ import main
from train.checkpoint import checkpoints
from train.errors import CheckpointError
from train.images import decode_crop
from train.pretrained import architecture, fill, load_model, read
from train.tokens import SPECIAL, encode, load_tokenizer, train_tokenizer
from train.towers import build_model

TEXTS = [draw_pair(seed)[1] for seed in range(4)]
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
NAMED_VIT = ("image.model=test_vit", "image.patch_size=0", "image.width=0", "image.depth=0", "image.heads=0")
NAMED_VIT += ("data.image_size=160",)
WEIGHTS = "open_clip_model.safetensors"


def described(bert: Path) -> dict[str, Any]:
    """BiomedCLIP's `open_clip_config.json` with smaller towers."""
    return {
        "model_cfg": {
            "embed_dim": 64,
            "vision_cfg": {
                "timm_model_name": "vit_tiny_patch16_224",
                "timm_model_pretrained": False,
                "timm_pool": "",
                "timm_proj": "linear",
                "image_size": 224,
            },
            "text_cfg": {
                "hf_model_name": str(bert),
                "hf_tokenizer_name": str(bert),
                "hf_proj_type": "mlp",
                "hf_pooler_type": "cls_last_hidden_state_pooler",
                "context_length": 32,
            },
        },
        "preprocess_cfg": {"mean": MEAN, "std": STD},
    }


def write_bert(folder: Path, texts: list[str] = TEXTS, do_lower_case: bool = True) -> Path:
    """A random BERT as its makers publish it: sizes, vocabulary, and how the tokenizer reads."""
    folder.mkdir()
    pieces = train_tokenizer(texts, 300).get_vocab()
    (folder / "vocab.txt").write_text("\n".join(sorted(pieces, key=pieces.__getitem__)) + "\n")
    settings = {"do_lower_case": do_lower_case, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(pieces),
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=200,
            max_position_embeddings=48,
        )
    ).save_pretrained(folder)
    return folder


def release(base: Path, vision: dict[str, str], text: dict[str, str]) -> tuple[Path, Any]:
    """A folder as open_clip's makers fill it, without the BERT's own configuration; and open_clip's model."""
    bert, folder = write_bert(base / "bert"), base / "folder"
    folder.mkdir()
    config = described(bert)
    config["model_cfg"]["vision_cfg"] |= vision
    config["model_cfg"]["text_cfg"] |= text
    open_clip.factory._MODEL_CONFIGS["small-biomedclip"] = config["model_cfg"]
    theirs = open_clip.create_model("small-biomedclip", pretrained_text=False).eval()
    for name, statistic in theirs.named_buffers():  # of batch norms, as training leaves them
        if name.endswith(("running_mean", "running_var")):
            statistic.uniform_(0.5, 1.5)
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}, folder / WEIGHTS)
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(bert / name, folder)
    config["model_cfg"]["text_cfg"] |= {"hf_model_name": "maker/bert", "hf_tokenizer_name": "maker/bert"}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder, theirs


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """BiomedCLIP's folder, with smaller towers."""
    return release(tmp_path_factory.mktemp("released"), {}, {})


def features(theirs: Any, folder: Path) -> tuple[float, float]:
    """How far open_clip's features and ours of the folder lie apart, at most."""
    model, tokenizer = load_model(read(folder))
    side = 224
    images = torch.stack([torch.from_numpy(decode_crop(draw_pair(seed)[0], side, 10**8)) for seed in range(3)])
    tokens = torch.from_numpy(encode(tokenizer, TEXTS, 32))
    padded = torch.nn.functional.pad(tokens, (0, 32 - tokens.shape[1]))
    with torch.no_grad():
        pixels = (images / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        image = theirs.encode_image(pixels, normalize=True) - model.encode_image(images)
        text = theirs.encode_text(padded, normalize=True) - model.encode_text(tokens)
    return float(image.abs().max()), float(text.abs().max())


def respelled(folder: Path) -> None:
    config = json.loads((folder / "open_clip_config.json").read_text())
    text = config["model_cfg"]["text_cfg"]
    text["proj"], text["pooler_type"] = text.pop("hf_proj_type"), text.pop("hf_pooler_type")
    (folder / "open_clip_config.json").write_text(json.dumps(config))


def with_position_ids(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["text.transformer.embeddings.position_ids"] = torch.arange(48)[None]
    save_file(weights, folder / WEIGHTS)


def as_pickle(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save(weights, folder / "open_clip_pytorch_model.bin")


def as_training_checkpoint(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    state = {f"module.{name}": tensor for name, tensor in weights.items()}
    torch.save({"epoch": 3, "state_dict": state}, folder / "open_clip_pytorch_model.bin")


def with_a_row_for_a_temperature(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["logit_scale"] = weights["logit_scale"][None]
    save_file(weights, folder / WEIGHTS)


def unchanged(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    "change",
    [unchanged, respelled, with_position_ids, as_pickle, as_training_checkpoint, with_a_row_for_a_temperature],
)
def test_a_folder_of_open_clip_gives_its_features(
    released: tuple[Path, Any], tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(released[0], tmp_path / "folder"))
    change(folder)
    image, text = features(released[1], folder)
    assert max(image, text) <= 1e-6


@pytest.mark.parametrize(
    ("vision", "text"),
    [
        ({"timm_model_name": "test_efficientnet", "timm_pool": "avg"}, {"hf_pooler_type": "mean_pooler"}),
        ({"timm_model_name": "test_resnet", "timm_pool": ""}, {}),
        ({"timm_pool": "avg"}, {"hf_pooler_type": "mean_pooler"}),
    ],
    ids=["CNN and mean", "CNN", "ViT, averaged, and mean"],
)
def test_towers_of_other_kinds_give_open_clips_features_on_the_whole_way(
    vision: dict[str, str], text: dict[str, str], tmp_path: Path
) -> None:
    """Read from its folder, and from the folder that is made of that."""
    folder, theirs = release(tmp_path, vision, text)
    assert max(features(theirs, folder)) <= 1e-6
    assert main(["export", str(folder), str(tmp_path / "again"), "-q"]) == 0
    assert max(features(theirs, tmp_path / "again")) <= 1e-6
    written = json.loads((tmp_path / "again" / "open_clip_config.json").read_text())["model_cfg"]
    assert written["vision_cfg"].items() >= vision.items()
    assert written["text_cfg"].items() >= text.items()


def test_every_command_takes_it(
    released: tuple[Path, Any], export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, theirs = released
    command = ["evaluate", "--model", str(folder), "--data", str(export), "--out", str(tmp_path / "evaluation")]
    assert main([*command, "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["n"] == 5
    assert main(["export", str(folder), str(tmp_path / "again"), "-q"]) == 0
    assert max(features(theirs, tmp_path / "again")) <= 1e-6
    own_sizes = {setting.partition("=")[0] for setting in SMALL if setting.startswith(("embed", "data.i", "data.c"))}
    few = [setting for setting in SMALL if setting.partition("=")[0] not in own_sizes and "image." not in setting]
    options = [part for setting in (*few, "data.batch_size=4") for part in ("--set", setting) if "text." not in setting]
    run = ["run", str(export), "--out", str(tmp_path / "run"), "--init", str(folder), "--steps", "1", *options, "-q"]
    assert main([*run, "--set", "optim.lr=1e-30", "--set", "optim.weight_decay=0"]) == 0  # a step to nowhere
    assert max(features(theirs, tmp_path / "run")) <= 1e-6
    shutil.move(folder, folder.with_name("moved"))  # a run that has begun needs it no more
    try:
        assert main(["run", str(export), "--out", str(tmp_path / "run"), "--resume", "--steps", "2", "-q"]) == 0
        command[command.index("--model") + 1] = str(tmp_path / "run")
        assert main([*command, "-q"]) == 0
    finally:
        shutil.move(folder.with_name("moved"), folder)


def test_a_cased_bert_stays_cased_on_the_whole_way(export: Path, tmp_path: Path) -> None:
    """From its folder into a run, from the run into a folder for open_clip, and back into a run."""
    texts = ["Café DNA, mRNA and É. coli in Fig. 3 and Fig. 4", "DNA and mRNA, É. coli, Café"]
    bert = write_bert(tmp_path / "bert", texts, do_lower_case=False)
    pieces = [
        *SPECIAL,
        "DNA",
        "mRNA",
        "Café",
        "cafe",
        "dna",
        "É",
        ".",
        "co",
        "##li",
    ]
    (bert / "vocab.txt").write_text("\n".join(pieces) + "\n")
    read_by_makers: Any = AutoTokenizer.from_pretrained(bert)
    expected = read_by_makers(texts)["input_ids"]
    assert 5 in expected[0]  # DNA, not dna
    loop.run(small_config("run.steps=1", f"text.weights={bert}", *NAMED_VIT), export, tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "folder"), "-q"]) == 0
    for place in (bert, checkpoints(tmp_path / "run")[0], tmp_path / "folder"):
        rows = encode(load_tokenizer(str(place)), texts, 48)
        assert [[token for token in row if token] for row in rows.tolist()] == expected
    theirs = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'folder'}")(texts)
    assert [[token for token in row if token] for row in theirs.tolist()] == expected


def test_towers_of_openais_kind_give_their_image_tower(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As MetaCLIP, DFN and OpenAI's: `quick_gelu`, a text tower that is no BERT."""
    folder = tmp_path / "metaclip"
    folder.mkdir()
    config = {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 768, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    }
    open_clip.factory._MODEL_CONFIGS["small-openai"] = config
    theirs = open_clip.create_model("small-openai").eval()
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}, folder / WEIGHTS)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))

    text = [part for setting in SMALL if setting.startswith("text.") for part in ("--set", setting)]
    command = ["run", str(export), "--out", str(tmp_path / "run"), "--init", str(folder), "--steps", "1", "-q", *text]
    command += ["--set", "data.batch_size=4", "--set", "data.context_length=24", "--set", "run.threads=1"]
    assert main(command) == 2
    assert "its text tower is no BERT" in capsys.readouterr().err
    assert main([*command, "--allow-random", "--set", "optim.lr=1e-30", "--set", "optim.weight_decay=0"]) == 0
    model, _ = load_model(read(tmp_path / "run"))
    images = torch.from_numpy(decode_crop(draw_pair(3)[0], 224, 10**8))[None]
    with torch.no_grad():
        pixels = (images / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        assert float((theirs.encode_image(pixels, normalize=True) - model.encode_image(images)).abs().max()) <= 1e-6

    evaluate = ["evaluate", "--model", str(folder), "--data", str(export), "--out", str(tmp_path / "out")]
    for wrong in (evaluate, ["export", str(folder), str(tmp_path / "x")]):
        assert main(wrong) == 2
        assert "its text tower is no BERT" in capsys.readouterr().err

    config["vision_cfg"] |= {"image_size": 240}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    command[command.index("--out") + 1] = str(tmp_path / "other")
    assert main([*command, "--allow-random"]) == 2
    assert "visual.positional_embedding is (197, 768), by its configuration (226, 768)" in capsys.readouterr().err


def drop_a_layer(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: tensor for name, tensor in weights.items() if not name.startswith("text.proj")}, folder / WEIGHTS)


def test_what_is_lacking_may_begin_at_random_only_when_told(
    released: tuple[Path, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(released[0], tmp_path / "folder"))
    drop_a_layer(folder)
    source = read(folder)
    assert source.tokenizer is not None
    with pytest.raises(CheckpointError, match=r"lacks text\.proj\.0\.weight, text\.proj\.2\.weight .*--allow-random"):
        load_model(source)
    fill(build_model(source.config, source.tokenizer.get_vocab_size(), source.bert), source, allow_random=True)
    assert "lacks text.proj.0.weight, text.proj.2.weight (2 tensors): that begins at random" in caplog.text


def test_a_bert_of_fewer_layers_than_it_says_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bert = write_bert(tmp_path / "bert")
    config = json.loads((bert / "config.json").read_text())
    (bert / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    settings = small_config(f"text.weights={bert}")
    with pytest.raises(CheckpointError, match=r"bert lacks encoder\.layer\.2\.attention.*--allow-random"):
        build_model(settings, 70)
    build_model(settings, 70, allow_random=True)
    assert "that begins at random" in caplog.text


def changed(key: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "open_clip_config.json").read_text())
        section = "vision_cfg" if key.startswith("timm") else "text_cfg"
        config["model_cfg"][section][key] = value
        (folder / "open_clip_config.json").write_text(json.dumps(config))

    return change


def with_a_head_bias(folder: Path) -> None:
    save_file(load_file(folder / WEIGHTS) | {"visual.head.proj.bias": torch.zeros(64)}, folder / WEIGHTS)


def as_code(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"weights": Path("x")}, folder / "open_clip_pytorch_model.bin")


def without_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def torn(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-9])


def as_roberta(folder: Path) -> None:
    name = "text.transformer.embeddings.token_type_embeddings.weight"
    save_file(load_file(folder / WEIGHTS) | {name: torch.zeros(1, 128)}, folder / WEIGHTS)


def empty_configuration(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text("{}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("hf_pooler_type", "max_pooler"), "hf_pooler_type is 'max_pooler'"),
        (changed("timm_pool", "map"), "timm_pool is 'map'"),
        (with_a_head_bias, "no place for: visual.head.proj.bias"),
        (as_code, "cannot be loaded"),
        (without_weights, "holds no weights; open_clip's names for them are"),
        (torn, "cannot be loaded"),
        (as_roberta, "it has 1 kinds of tokens, not 2"),
        (empty_configuration, "is not as open_clip writes it"),
        (changed("timm_model_name", "vit_small_patch16_224"), " is (64, 192) there, (64, 384) here"),
    ],
)
def test_what_our_towers_cannot_be_is_one_line(
    released: tuple[Path, Any],
    export: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], None],
    message: str,
) -> None:
    folder = Path(shutil.copytree(released[0], tmp_path / "folder"))
    change(folder)
    assert main(["evaluate", "--model", str(folder), "--data", str(export), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error


def test_a_run_begins_with_the_weights_of_another(export: Path, tmp_path: Path) -> None:
    loop.run(small_config("run.steps=1"), export, tmp_path / "first")
    source = read(tmp_path / "first")
    assert architecture(source)["image"]["depth"] == 1
    config = small_config("run.steps=1", "optim.lr=1e-30", "optim.weight_decay=0", f"init={tmp_path / 'first'}")
    loop.run(config, export, tmp_path / "second")
    second = read(tmp_path / "second").weights  # a bias that was 0 may have moved by that rate
    assert all(torch.allclose(tensor, second[name], rtol=0, atol=1e-20) for name, tensor in source.weights.items())
