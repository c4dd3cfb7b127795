"""open_clip's towers and its own training loop, of the architecture of ours and on the same batches."""

import tempfile
import types
from collections.abc import Iterable
from typing import Any

import torch

from train.data import Batch
from train.towers import Clip

Pair = tuple[torch.Tensor, torch.Tensor]


def same_towers(model: Clip, embed_dim: int, vision: str, image_size: int, context: int) -> Any:
    """open_clip's model of one architecture with ours, its weights at random; `vision` is timm's name."""
    import open_clip

    bert: Any = model.text.transformer
    with tempfile.TemporaryDirectory() as folder:
        bert.config.save_pretrained(folder)
        open_clip.factory._MODEL_CONFIGS["same"] = {
            "embed_dim": embed_dim,
            "vision_cfg": {
                "timm_model_name": vision,
                "timm_model_pretrained": False,
                "timm_pool": "",
                "timm_proj": "linear",
                "image_size": image_size,
            },
            "text_cfg": {
                "hf_model_name": folder,
                "hf_tokenizer_name": folder,
                "hf_proj_type": "mlp",
                "hf_pooler_type": "cls_last_hidden_state_pooler",
                "context_length": context,
            },
        }
        return open_clip.create_model("same", pretrained_hf=False, output_dict=True)


def loaded(model: Clip, batches: Iterable[Batch], parts: int, context: int) -> list[Pair]:
    """Pixels as the towers take them and tokens padded to the context, on the CPU, each batch in `parts`."""
    pairs: list[Pair] = []
    for batch in batches:
        pixels = ((batch.images / 255 - model.mean) / model.std).cpu()
        padded = torch.nn.functional.pad(batch.tokens, (0, context - batch.tokens.shape[1])).cpu()
        pairs += list(zip(pixels.chunk(parts), padded.chunk(parts), strict=True))
    return pairs


def epoch_of(pairs: list[Pair], size: int, parts: int, **options: object) -> tuple[dict[str, Any], Any]:
    """`data` and `args` of `train_one_epoch`: batches of `size` in `parts`, accumulated, on one process."""

    class Loader(list[Pair]):
        num_batches, num_samples = len(pairs), size * len(pairs) // parts

    told = {
        "distill": False,
        "accum_freq": parts,
        "horovod": False,
        "grad_clip_norm": 1.0,
        "wandb": False,
        "rank": 0,
        "world_size": 1,
        "local_rank": 0,
        "batch_size": size // parts,
        "log_local": False,
    }
    data = {"train": types.SimpleNamespace(dataloader=Loader(pairs), set_epoch=lambda _: None)}
    return data, types.SimpleNamespace(**told | options)
