"""A model as a folder that open_clip, timm and transformers load, wherever it lies.

    FOLDER/open_clip_config.json, open_clip_model.safetensors    open_clip: `local-dir:FOLDER`, `hf-hub:OWNER/NAME`
    FOLDER/tokenizer.json, tokenizer_config.json                 in its root, where open_clip looks
    FOLDER/config.json                                           the BERT's sizes, for open_clip and transformers
    FOLDER/text/                                                 the text tower: `BertModel.from_pretrained`
    FOLDER/image.safetensors                                     the image tower: `timm.create_model(…, num_classes=0)`
    FOLDER/README.md                                             what it was trained on, how, and how to open it

The configuration uses the key names of open_clip 3 (`hf_proj_type`, `hf_pooler_type`); the spelling of BiomedCLIP's
first release is rejected there. open_clip looks for a BERT's sizes under a name of the hub or a path, never in the
folder that it reads. So the configuration names the folder itself: as OWNER/NAME where that is known, else as `.`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer

from train import _torchvision, files
from train.config import Config, to_toml
from train.errors import CheckpointError
from train.pretrained import CONFIG, POOLERS, WEIGHTS, Pretrained, load_model, read
from train.towers import LOGIT_BIAS

# open_clip builds a ViT from its timm name alone.
OWN_SIZES = ("patch_size", "width", "depth", "heads")

PLACES = {"init", "image.weights", "text.weights", "text.tokenizer"}  # they mean something on one machine alone

HUB = """Published as {hub}, it opens with `open_clip.create_model_and_transforms("hf-hub:{hub}")`.
"""
LOCAL = """open_clip takes `hf_model_name` for a path, here that of the working directory. With this folder as the
working directory, `open_clip.create_model_and_transforms("local-dir:.")` opens it; from anywhere else:

    text = json.load(open(f"{folder}/open_clip_config.json"))["model_cfg"]["text_cfg"]
    open_clip.create_model_and_transforms(f"local-dir:{folder}", text_cfg=text | {"hf_model_name": folder})

`open_clip.get_tokenizer(f"local-dir:{folder}")` needs nothing more.
"""


def export(path: Path, folder: Path, hub: str = "") -> None:
    """Write the folder; whole or not at all. Raises `CheckpointError`.

    `path`: a run, a checkpoint, or an open_clip folder; `hub`: the name that the folder will have on the hub.
    """
    if folder.exists():
        raise CheckpointError(f"{folder} exists already; name a new folder")
    _torchvision.make_importable()
    from transformers.utils.logging import disable_progress_bar

    source = read(path)
    model, tokenizer = load_model(source)
    config = source.config
    for name in OWN_SIZES:
        if getattr(config.image, name):
            raise CheckpointError(f"open_clip cannot build this image tower: image.{name} is not that of the timm name")
    trunk: Any = model.visual.trunk
    side = trunk.pretrained_cfg["input_size"][-1]
    if trunk.pretrained_cfg["fixed_input_size"] and side != config.data.image_size:
        raise CheckpointError(f"open_clip builds {config.image.model} for {side} px, not {config.data.image_size}")
    temporary = files.hidden(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, temporary / WEIGHTS[0])
    save_file(dict(trunk.state_dict()), temporary / "image.safetensors")
    disable_progress_bar()  # type: ignore[no-untyped-call]
    bert: Any = model.text.transformer
    bert.save_pretrained(temporary / "text")
    bert.config.save_pretrained(temporary)
    _save_tokenizer(tokenizer, config, temporary)
    described = json.dumps(open_clip_config(config, hub), indent=2)
    (temporary / CONFIG).write_text(described + "\n", encoding="utf-8")
    (temporary / "README.md").write_text(_card(source, hub), encoding="utf-8")
    temporary.rename(folder)


def open_clip_config(config: Config, hub: str) -> dict[str, Any]:
    """`open_clip_config.json` of a folder that is called `hub` on the hub, or is not there."""
    return {
        "model_cfg": {
            "embed_dim": config.embed_dim,
            **({"init_logit_bias": LOGIT_BIAS} if config.optim.loss == "sigmoid" else {}),
            "vision_cfg": {
                "timm_model_name": config.image.model,
                "timm_model_pretrained": False,
                "timm_pool": config.image.pool,
                "timm_proj": "linear",
                "image_size": config.data.image_size,
            },
            "text_cfg": {
                "hf_model_name": hub or ".",
                "hf_model_pretrained": False,  # the weights are in this folder
                "hf_tokenizer_name": hub or ".",
                "hf_proj_type": "mlp",
                "hf_pooler_type": next(theirs for theirs, ours in POOLERS.items() if ours == config.text.pool),
                "context_length": config.data.context_length,
            },
        },
        "preprocess_cfg": {"mean": list(config.data.mean), "std": list(config.data.std)},
    }


def _save_tokenizer(tokenizer: Tokenizer, config: Config, folder: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    tokenizer.no_truncation()
    tokenizer.no_padding()
    marks = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    wrap: Any = PreTrainedTokenizerFast
    fast = wrap(tokenizer_object=tokenizer, model_max_length=config.data.context_length, **marks)
    fast.save_pretrained(folder)


def _card(source: Pretrained, hub: str) -> str:
    config, meta = source.config, source.meta
    facts = [
        f"image tower {config.image.model}, {config.data.image_size} px; text tower BERT, "
        f"context {config.data.context_length}"
    ]
    if meta:
        pairs = meta.step * config.data.batch_size
        facts += [
            f"step {meta.step}, {pairs:,} pairs seen, batch {config.data.batch_size}, last loss {meta.loss:.4f}",
            f"train split: {meta.data['pairs']:,} pairs ({meta.data['layout']})",
            f"made with {', '.join(f'{name} {number}' for name, number in meta.versions.items())}",
        ]
    opened = HUB.format(hub=hub) if hub else LOCAL
    recipe = [f"    {line}" for line in to_toml(config).splitlines() if line.partition(" = ")[0] not in PLACES]
    listed = [f"- {fact}" for fact in facts]
    return "\n".join(["# CLIP trained with pmc15m", "", *listed, "", opened, "## Recipe", "", *recipe, ""])
