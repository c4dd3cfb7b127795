"""A trained pair as a folder that open_clip, timm and transformers load.

    python -m train.export RUN_OR_CHECKPOINT FOLDER

    FOLDER/open_clip_config.json, open_clip_model.safetensors    open_clip: `local-dir:FOLDER`
    FOLDER/tokenizer.json, tokenizer_config.json                 in its root, where open_clip looks
    FOLDER/config.json                                           the BERT's sizes, for open_clip and transformers
    FOLDER/text/                                                 the text tower: `BertModel.from_pretrained`
    FOLDER/image.safetensors                                     the image tower: `timm.create_model(…, num_classes=0)`
    FOLDER/README.md                                             what it was trained on, and how

The configuration uses the key names of open_clip 3 (`hf_proj_type`, `hf_pooler_type`); the spelling of BiomedCLIP's
first release is rejected there.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer

from train.checkpoint import Meta, load_model, newest, read_meta
from train.config import Config
from train.errors import CheckpointError, ExitCode, TrainError

# open_clip builds a ViT from its timm name alone.
OWN_SIZES = ("patch_size", "width", "depth", "heads")


def export(path: Path, folder: Path) -> None:
    """Write the folder; whole or not at all. Raises `CheckpointError`."""
    if folder.exists():
        raise CheckpointError(f"{folder} exists already; name a new folder")
    checkpoint = newest(path)
    meta = read_meta(checkpoint)
    model, tokenizer, config = load_model(checkpoint)
    for name in OWN_SIZES:
        if getattr(config.image, name):
            raise CheckpointError(f"open_clip cannot build this image tower: image.{name} is not that of the timm name")
    trunk: Any = model.visual.trunk
    side = trunk.pretrained_cfg["input_size"][-1]
    if side != config.data.image_size:
        raise CheckpointError(f"open_clip builds {config.image.model} for {side} px, not {config.data.image_size}")
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, temporary / "open_clip_model.safetensors")
    save_file(dict(trunk.state_dict()), temporary / "image.safetensors")
    bert: Any = model.text.transformer
    bert.save_pretrained(temporary / "text")
    bert.config.save_pretrained(temporary)
    _save_tokenizer(tokenizer, config, temporary)
    described = json.dumps(open_clip_config(config, folder), indent=2)
    (temporary / "open_clip_config.json").write_text(described + "\n", encoding="utf-8")
    (temporary / "README.md").write_text(_card(meta, config), encoding="utf-8")
    temporary.rename(folder)


def open_clip_config(config: Config, folder: Path) -> dict[str, Any]:
    """`open_clip_config.json`. A BERT that has no name elsewhere is described in the folder itself."""
    bert = config.text.weights or str(folder.resolve())
    return {
        "model_cfg": {
            "embed_dim": config.embed_dim,
            "vision_cfg": {
                "timm_model_name": config.image.model,
                "timm_model_pretrained": False,
                "timm_pool": "",
                "timm_proj": "linear",
                "image_size": config.data.image_size,
            },
            "text_cfg": {
                "hf_model_name": bert,
                "hf_tokenizer_name": bert,
                "hf_proj_type": "mlp",
                "hf_pooler_type": "cls_last_hidden_state_pooler",
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


def _card(meta: Meta, config: Config) -> str:
    return f"""# CLIP trained with pmc15m

- step {meta.step}, {meta.step * config.data.batch_size:,} pairs seen, batch {config.data.batch_size}
- last loss {meta.loss:.4f}
- train split: {meta.data["pairs"]:,} pairs ({meta.data["layout"]})
- image tower {config.image.model}, {config.data.image_size} px; text tower BERT, context {config.data.context_length}
- made with {", ".join(f"{name} {number}" for name, number in meta.versions.items())}

```json
{json.dumps(meta.config, indent=2)}
```
"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m train.export", description="Write a checkpoint for open_clip.")
    parser.add_argument("checkpoint", type=Path, metavar="RUN_OR_CHECKPOINT", help="of a run, its newest is taken")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that does not exist yet")
    arguments = parser.parse_args(argv)
    try:
        export(arguments.checkpoint, arguments.folder)
    except TrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return ExitCode.USAGE
    print(arguments.folder)
    return ExitCode.COMPLETE


if __name__ == "__main__":
    sys.exit(main())
