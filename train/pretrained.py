"""A model to begin from, to judge or to export: a run, a checkpoint, or a folder that open_clip reads.

Of open_clip's folders both spellings are read, that of BiomedCLIP's first release (`proj`, `pooler_type`) and the
present one (`hf_proj_type`, `hf_pooler_type`); weights come from safetensors, or from a pickle that may hold nothing
else. Nothing is fetched: a BERT without `config.json` has the sizes of its tensors. Towers of OpenAI's kind (MetaCLIP,
DFN, LAION) give their image tower; their text tower is no BERT, and that is said.
"""

import dataclasses
import json
import logging
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from train import checkpoint
from train.config import Config, from_dict, load_config
from train.errors import CheckpointError
from train.tokens import load_tokenizer
from train.towers import Clip, build_model, listed, openai_as_timm, require_weights

CONFIG = "open_clip_config.json"
WEIGHTS = (  # open_clip's names, in its order
    *("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin"),
    *("open_clip_pytorch_model.pth", "model.safetensors", "pytorch_model.bin", "pytorch_model.pth", "model.pth"),
)
PREPARED = {"interpolation": "bicubic", "resize_mode": "shortest"}  # how training makes pictures, in open_clip's words
POOLERS = {"cls_last_hidden_state_pooler": "cls", "mean_pooler": "mean"}  # open_clip's name: ours
_WORDS = "text.transformer.embeddings.word_embeddings.weight"
_LAYER = re.compile(r"text\.transformer\.encoder\.layer\.([0-9]+)\.")
_IMAGE_KEYS = ("model", "pool", "patch_size", "width", "depth", "heads")
_VIT_DEFAULTS = {"width": 768, "layers": 12, "patch_size": 16}  # open_clip's
_VIT_SIZES = {768: ("base", 12), 1024: ("large", 24)}  # width → timm's word, layers
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """Weights and what they need."""

    path: Path
    config: Config  # of which `architecture` describes the weights
    bert: dict[str, Any] | None  # the text tower, as transformers describes it; None: there is none that we can hold
    tokenizer: Tokenizer | None
    weights: Mapping[str, Tensor]
    preparation: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # open_clip's, where it differs from ours
    lacks: str = ""  # why a tower is missing
    meta: checkpoint.Meta | None = None  # of a checkpoint of ours


def read(path: Path) -> Pretrained:
    """Raises `CheckpointError` when the path holds no model, or one that our towers cannot be."""
    if (path / CONFIG).exists():
        return _read_open_clip(path)
    try:
        folder = checkpoint.newest(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; a folder for open_clip has {CONFIG}") from None
    meta = checkpoint.read_meta(folder)
    return Pretrained(
        path=folder,
        config=from_dict(meta.config, str(folder / "meta.json")),
        bert=meta.bert,
        tokenizer=load_tokenizer(str(folder)),
        weights=_read_weights(folder / (checkpoint.AVERAGED if meta.config["optim"]["ema"] else checkpoint.MODEL)),
        meta=meta,
    )


def architecture(source: Pretrained) -> dict[str, Any]:
    """The part of its configuration that a run must have to begin with these weights."""
    config = source.config
    tree: dict[str, Any] = {
        "embed_dim": config.embed_dim,
        "data": {key: getattr(config.data, key) for key in ("image_size", "mean", "std")},
        "image": {key: getattr(config.image, key) for key in _IMAGE_KEYS},
    }
    tree["image"]["weights"] = ""
    if source.bert is not None:
        tree["data"]["context_length"] = config.data.context_length
        sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads")
        tree["text"] = dict(zip(("width", "depth", "heads"), (source.bert[size] for size in sizes), strict=True))
        tree["text"] |= {"weights": "", "tokenizer": "", "pool": config.text.pool}
    return tree


def load_model(source: Pretrained) -> tuple[Clip, Tokenizer]:
    """The whole model on the CPU in evaluation mode, and its tokenizer."""
    if source.tokenizer is None or source.bert is None:
        raise CheckpointError(f"{source.path}: {source.lacks}")
    model = build_model(source.config, source.tokenizer.get_vocab_size(), source.bert)
    fill(model, source)
    return model.eval(), source.tokenizer


def fill(model: Clip, source: Pretrained, allow_random: bool = False) -> None:
    """Put the weights into the model.

    Raises `CheckpointError` when they do not fit, and when a part would stay random without `allow_random`.
    """
    own = model.state_dict()
    if unknown := source.weights.keys() - own.keys():
        raise CheckpointError(f"{source.path} holds what our towers have no place for: {listed(unknown)}")
    for name, tensor in source.weights.items():
        if tensor.squeeze().shape != own[name].squeeze().shape:  # open_clip's temperature may be a row of one
            there, here = tuple(tensor.shape), tuple(own[name].shape)
            raise CheckpointError(f"{source.path} does not fit the configuration: {name} is {there} there, {here} here")
    why = f" ({source.lacks})" if source.lacks else ""
    require_weights(f"{source.path}{why}", own.keys() - source.weights.keys(), allow_random)
    model.load_state_dict(
        {name: tensor.reshape(own[name].shape) for name, tensor in source.weights.items()}, strict=False
    )


def _read_open_clip(folder: Path) -> Pretrained:
    try:
        described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model, prepared = described["model_cfg"], described.get("preprocess_cfg", {})
        vision, text = dict(model["vision_cfg"]), dict(model["text_cfg"])
        tree: dict[str, Any] = {"embed_dim": model["embed_dim"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG} is not as open_clip writes it: {error!r}") from None
    weights = _read_weights(_weights_file(folder))
    weights.pop("text.transformer.embeddings.position_ids", None)  # written by transformers before 4.31
    tree["data"] = {"image_size": vision.get("image_size", 224)}
    tree["data"] |= {key: prepared[key] for key in ("mean", "std") if key in prepared}
    preparation = {key: prepared[key] for key, ours in PREPARED.items() if prepared.get(key, ours) != ours}
    for key, value in preparation.items():
        log.warning("%s wants %s %s; training prepares pictures with %s", folder, key, value, PREPARED[key])
    if "timm_model_name" in vision:
        pool = vision.get("timm_pool", "avg")
        if pool not in ("", "token", "avg"):
            raise CheckpointError(
                f"{folder}: timm_pool is {pool!r}; our image tower takes the class token or the average"
            )
        tree["image"] = {"model": vision["timm_model_name"], "pool": pool}
    else:
        tree["image"], weights = _from_openai(folder, vision, bool(model.get("quick_gelu")), weights)
    tree["text"] = {"weights": "", "tokenizer": ""}
    bert, tokenizer, lacks = None, None, "its text tower is no BERT, and ours can be nothing else"
    if _WORDS in weights:
        pooler = text.get("hf_pooler_type", text.get("pooler_type"))
        if pooler not in POOLERS:
            raise CheckpointError(f"{folder}: hf_pooler_type is {pooler!r}; our text tower has {', '.join(POOLERS)}")
        tree["text"]["pool"] = POOLERS[pooler]
        bert, lacks = _bert(folder, str(text.get("hf_model_name")), weights), ""
        has_own = any((folder / name).exists() for name in ("tokenizer.json", "vocab.txt"))
        tokenizer = load_tokenizer(str(folder) if has_own else str(text.get("hf_tokenizer_name")))
        tree["data"]["context_length"] = text.get("context_length", 77)
    tree["image"]["weights"] = ""
    tree["optim"] = {"loss": "sigmoid" if "logit_bias" in weights else "softmax"}
    return Pretrained(
        path=folder,
        config=load_config("biomedclip", start=tree),
        bert=bert,
        tokenizer=tokenizer,
        weights=weights,
        preparation=preparation,
        lacks=lacks,
    )


def _bert(folder: Path, name: str, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """The text tower's configuration: in the folder, where its name leads on this machine, or as its tensors are."""
    vocab_size, width = weights[_WORDS].shape
    positions = len(weights["text.transformer.embeddings.position_embeddings.weight"])
    kinds = len(weights["text.transformer.embeddings.token_type_embeddings.weight"])
    if kinds != 2:  # RoBERTa has BERT's names, other positions and another padding
        raise CheckpointError(f"{folder}: its text tower is no BERT: it has {kinds} kinds of tokens, not 2")
    for source in (folder, Path(name)):
        if (source / "config.json").exists():
            bert: dict[str, Any] = json.loads((source / "config.json").read_text(encoding="utf-8"))
            if bert.get("model_type") == "bert":
                return bert
    log.info("%s has no config.json of a BERT: heads of 64, the sizes of its tensors", folder)
    return {
        "vocab_size": vocab_size,
        "hidden_size": width,
        "num_hidden_layers": len({match[1] for match in map(_LAYER.match, weights) if match}),
        "num_attention_heads": width // 64,
        "intermediate_size": len(weights["text.transformer.encoder.layer.0.intermediate.dense.weight"]),
        "max_position_embeddings": positions,
    }


def _from_openai(
    folder: Path, vision: Mapping[str, Any], quick_gelu: bool, weights: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A ViT under OpenAI's names as timm's: what to build, and its weights with the temperature."""
    width, layers, patch = (vision.get(key, default) for key, default in _VIT_DEFAULTS.items())
    size, usual_layers = _VIT_SIZES.get(width, ("", 0))
    side = vision.get("image_size", 224)
    if (
        not size
        or not isinstance(side, int)
        or vision.keys() - _VIT_DEFAULTS.keys() - {"image_size", "head_width", "mlp_ratio", "patch_dropout"}
    ):
        raise CheckpointError(f"{folder}: our image tower cannot be this one: vision_cfg {dict(vision)}")
    name = f"vit_{size}_patch{patch}_clip_{'quickgelu_' if quick_gelu else ''}{side}"
    depth = 0 if layers == usual_layers else layers
    tokens = (side // patch) ** 2 + 1
    for key, shape in (("positional_embedding", (tokens, width)), ("conv1.weight", (width, 3, patch, patch))):
        stored = weights.get(f"visual.{key}")
        if stored is not None and tuple(stored.shape) != shape:  # timm would interpolate it
            raise CheckpointError(f"{folder}: visual.{key} is {tuple(stored.shape)}, by its configuration {shape}")
    trunk = openai_as_timm(name, depth, weights)
    renamed = {"logit_scale": weights["logit_scale"]}
    if "head.weight" in trunk:
        renamed["visual.head.proj.weight"] = trunk.pop("head.weight")
    renamed |= {f"visual.trunk.{key}": tensor for key, tensor in trunk.items() if key != "head.bias"}
    return {"model": name, "depth": depth}, renamed


def _weights_file(folder: Path) -> Path:
    found = next((folder / name for name in WEIGHTS if (folder / name).exists()), None)
    if found is None:
        raise CheckpointError(f"{folder} holds no weights; open_clip's names for them are {', '.join(WEIGHTS)}")
    return found


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise CheckpointError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from None
    weights = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    if not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise CheckpointError(f"{path} holds no weights alone")
    return {name.removeprefix("module."): tensor for name, tensor in weights.items()}
