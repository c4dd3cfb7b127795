"""The two towers under open_clip's parameter names, so that weights travel both ways.

    visual.trunk.*   timm ViT, CLS token, or another tower, averaged    visual.head.proj   linear, no bias
    text.transformer.*   transformers BERT, CLS token of the last layer or the mean of all, no pooler
    text.proj.0, text.proj.2   two linear layers without biases, GELU between them
    logit_scale   log of the inverse temperature           logit_bias   of the sigmoid loss alone

timm and transformers are imported here and nowhere else, after `_torchvision.make_importable`.
"""

import functools
import itertools
import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from train import _torchvision
from train.config import Config, ImageConfig, TextConfig
from train.errors import CheckpointError, ConfigError

MAX_LOGIT_SCALE = math.log(100)  # CLIP's clamp: a temperature of 1/100
LOGIT_BIAS = -10.0  # SigLIP's, at the start
_BLOCK = re.compile(r".+?\.(?:blocks|layer)\.([0-9]+)\.")
_BEHIND = ("visual.trunk.norm.", "visual.head.", "text.proj.", "logit_")  # the blocks

log = logging.getLogger(__name__)


class ImageTower(nn.Module):
    """(B, 3, S, S) normalised pixels → (B, D) features, not normalised."""

    def __init__(self, trunk: nn.Module, width: int, embed_dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Sequential()
        self.head.add_module("proj", nn.Linear(width, embed_dim, bias=False))

    def train(self, mode: bool = True) -> "ImageTower":
        """Batch norms keep the statistics that they came with: a micro-batch, seen twice, has none of the batch."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.head(self.trunk(pixels))
        return features


class TextTower(nn.Module):
    """(B, L) token ids, 0 = padding → (B, D) features, not normalised."""

    def __init__(self, transformer: nn.Module, width: int, embed_dim: int, pool: str) -> None:
        super().__init__()
        self.transformer = transformer
        self.pool = pool
        hidden = (width + embed_dim) // 2  # open_clip's "mlp" projection: 768 → 640 → 512 in BiomedCLIP
        self.proj = nn.Sequential(
            nn.Linear(width, hidden, bias=False), nn.GELU(), nn.Linear(hidden, embed_dim, bias=False)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        bert: Any = self.transformer  # whose own forward asks the GPU whether there is padding
        words = tokens != 0
        states = bert.encoder(bert.embeddings(input_ids=tokens), attention_mask=words[:, None, None]).last_hidden_state
        if self.pool == "mean":
            pooled = (states * words[..., None]).sum(1) / words.sum(1, keepdim=True)
        else:
            pooled = states[:, 0]
        features: Tensor = self.proj(pooled)
        return features


class Clip(nn.Module):
    """Both towers and the temperature. Features come out with unit length, in fp32."""

    mean: Tensor
    std: Tensor

    def __init__(self, visual: ImageTower, text: TextTower, config: Config) -> None:
        super().__init__()
        self.visual = visual
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / config.optim.temperature)))
        self.logit_bias = nn.Parameter(torch.tensor(LOGIT_BIAS)) if config.optim.loss == "sigmoid" else None
        for name, values in (("mean", config.data.mean), ("std", config.data.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    @property
    def bert(self) -> dict[str, Any]:
        """The text tower as transformers describes it: what `build_model` needs to build it again."""
        bert: Any = self.text.transformer
        return {key: value for key, value in bert.config.to_dict().items() if key != "_name_or_path"}

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 → (B, D). Normalised on the device: a quarter of the bytes travel."""
        return functional.normalize(self.visual((images / 255 - self.mean) / self.std).float(), dim=-1)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """(B, L) int64 → (B, D)."""
        return functional.normalize(self.text(tokens).float(), dim=-1)


def build_model(
    config: Config, vocab_size: int, bert: Mapping[str, Any] | None = None, allow_random: bool = False
) -> Clip:
    """The model on the CPU, its random parts drawn from `run.seed`.

    `bert`: the text tower as transformers describes it, of a model whose weights are put in next; the weights that the
    configuration names are then left out. Raises `ConfigError` when weights cannot be had or a size does not fit the
    other, `CheckpointError` when weights of a BERT lack a part, unless `allow_random`.
    """
    _torchvision.make_importable()
    torch.manual_seed(config.run.seed)
    trunk, image_width = _trunk(config.image, config.data.image_size, pretrained=bert is None)
    if not _is_vit(trunk) and (config.image.unlocked > 0 or config.optim.layer_decay < 1):
        raise ConfigError(f"image tower {config.image.model} is no ViT: image.unlocked is 0 or -1, optim.layer_decay 1")
    visual = ImageTower(trunk, image_width, config.embed_dim)
    text, text_width = _bert(config.text, config.data.context_length, vocab_size, bert, allow_random)
    if bert is None:
        named = {"the image tower": config.image.weights, "the text tower": config.text.weights, "the projections": ""}
        log.info("at random begin %s", ", ".join(part for part, weights in named.items() if not weights))
    return Clip(visual, TextTower(text, text_width, config.embed_dim, config.text.pool), config)


def require_weights(source: str, missing: Collection[str], allow_random: bool) -> None:
    """Raise `CheckpointError` when weights lack something, or only say so when that was allowed."""
    if missing and not allow_random:
        raise CheckpointError(f"{source} lacks {listed(missing)}; --allow-random lets that begin at random")
    if missing:
        log.warning("%s lacks %s: that begins at random", source, listed(missing))


def listed(names: Collection[str]) -> str:
    """A few of the names, and how many there are."""
    return f"{', '.join(sorted(names)[:3])}{', …' if len(names) > 3 else ''} ({len(names)} tensors)"


def blocks(model: Clip) -> dict[str, Sequence[nn.Module]]:
    """The blocks of each tower, from the input on; of an image tower that is no ViT, none."""
    trunk: Any = model.visual.trunk
    bert: Any = model.text.transformer
    return {"visual": trunk.blocks if _is_vit(trunk) else [], "text": bert.encoder.layer}


def distances(model: Clip) -> dict[str, int]:
    """How far each parameter is from the output: 0 = behind the blocks, 1 = in the last … depth + 1 = before."""
    depths = {tower: len(of_tower) for tower, of_tower in blocks(model).items()}
    found = {}
    for name, _ in model.named_parameters():
        depth, block = depths.get(name.partition(".")[0], 0), _BLOCK.match(name)
        found[name] = depth - int(block[1]) if depth and block else 0 if name.startswith(_BEHIND) else depth + 1
    return found


def lock(model: Clip, config: Config, step: int) -> None:
    """From `step` on, train what the configuration leaves unlocked, and nothing else."""
    unlocked = {"visual": config.image.unlocked, "text": config.text.unlocked}
    if max(unlocked.values()) < 0:
        return
    away, all_of_it = distances(model), 0 < config.optim.unlock_step <= step
    for name, parameter in model.named_parameters():
        last = unlocked.get(name.partition(".")[0], -1)
        parameter.requires_grad_(all_of_it or last < 0 or away[name] <= last)


def drop_patches(model: Clip, share: float) -> None:
    """Of every picture in training, from now on; nothing where the tower was built without."""
    trunk: Any = model.visual.trunk
    trunk.patch_drop.prob = share


def compile_blocks(model: Clip) -> None:
    """Each kind of block is compiled when it is first met. Raises `ConfigError` where nothing can be compiled."""
    try:
        torch.compile(torch.neg)(model.logit_scale)
    except RuntimeError as error:
        cause = getattr(error, "inner_exception", error)
        raise ConfigError(f"run.compile: {_first_line(cause)}; without: --set run.compile=false") from None
    for block in itertools.chain.from_iterable(blocks(model).values()):
        block.compile()


def flops(model: Clip, config: Config, lengths: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    """Of a training step over captions of these lengths and as many pictures: 6 a weight and token, and attention's.

    Multiplications and additions that teach something: neither padding nor what is computed twice counts.
    """
    trunk: Any = model.visual.trunk
    towers = [(blocks(model)["text"], lengths)]
    if _is_vit(trunk):
        patch: Tensor = trunk.patch_embed.proj.weight
        patches = (config.data.image_size // patch.shape[-1]) ** 2
        seen = 1 + round(patches * (1 - getattr(trunk.patch_drop, "prob", 0.0)))
        towers.append((trunk.blocks, np.full_like(lengths, seen)))
        total = 6.0 * patch.numel() * patches * len(lengths)
    else:
        total = 3.0 * _forward_flops(trunk, config.data.image_size) * len(lengths)
    for of_tower, tokens in towers:
        matrices = [p for p in of_tower[0].parameters() if p.ndim == 2]
        a_token, a_square = 6 * sum(p.numel() for p in matrices), 12 * min(matrices[0].shape)
        total += len(of_tower) * float(a_token * tokens.sum() + a_square * (tokens**2).sum())
    return total


def _is_vit(trunk: nn.Module) -> bool:
    return hasattr(trunk, "patch_embed")


@functools.cache
def _forward_flops(trunk: nn.Module, side: int) -> int:
    """Of one picture through a tower that is no ViT."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        trunk(next(trunk.parameters()).new_zeros(1, 3, side, side))
    return int(counter.get_total_flops())


def all_finite(model: nn.Module) -> bool:
    """Whether no weight is NaN or infinite."""
    return bool(torch.stack([torch.isfinite(parameter).all() for parameter in model.parameters()]).all())


def openai_as_timm(model: str, depth: int, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The image tower of a CLIP under OpenAI's names as that of timm's `model`; depth 0 = as the name says."""
    _torchvision.make_importable()
    import timm
    from timm.models.vision_transformer import checkpoint_filter_fn

    try:
        with torch.device("meta"):
            trunk: Any = timm.create_model(model, depth=depth or None)
    except RuntimeError as error:
        raise ConfigError(f"image tower {model}: {error}") from None
    renamed: dict[str, Tensor] = checkpoint_filter_fn(dict(weights), trunk)
    return renamed


def _trunk(config: ImageConfig, image_size: int, pretrained: bool) -> tuple[nn.Module, int]:
    import timm

    known = timm.get_pretrained_cfg(config.model)
    sizes: dict[str, Any] = {
        "img_size": image_size if known and known.fixed_input_size else 0,
        "patch_size": config.patch_size,
        "embed_dim": config.width,
        "depth": config.depth,
        "num_heads": config.heads,
        "patch_drop_rate": config.patch_dropout,
    }
    from_file = Path(config.weights) if config.weights not in ("", "hub") else None
    if from_file and not from_file.is_file():
        raise ConfigError(f'image.weights is "", "hub" or a safetensors file; there is no file {from_file}')
    try:
        trunk: Any = timm.create_model(
            config.model,
            pretrained=pretrained and bool(config.weights),
            pretrained_cfg_overlay={"file": str(from_file)} if from_file else None,
            num_classes=0,
            **{name: value for name, value in sizes.items() if value},
        )
    except (RuntimeError, TypeError, OSError, ValueError) as error:
        raise ConfigError(
            f"image tower {config.model}: {_first_line(error)}; random weights: --set image.weights="
        ) from None
    if config.pool:
        trunk.reset_classifier(0, config.pool)
    if config.init_std and not config.weights:
        for parameter in trunk.parameters():
            if parameter.ndim >= 2:
                nn.init.trunc_normal_(parameter, std=config.init_std)
    return trunk, int(trunk.num_features)


def _bert(
    config: TextConfig, context_length: int, vocab_size: int, described: Mapping[str, Any] | None, allow_random: bool
) -> tuple[nn.Module, int]:
    from transformers import BertConfig, BertModel

    dropout: dict[str, Any] = {
        "hidden_dropout_prob": config.hidden_dropout,
        "attention_probs_dropout_prob": config.attention_dropout,
    }
    if described is not None:
        bert: Any = BertModel(BertConfig.from_dict({**described, **dropout}), add_pooling_layer=False)
    elif config.weights:
        try:
            read: Any = BertModel.from_pretrained
            bert, found = read(config.weights, add_pooling_layer=False, output_loading_info=True, **dropout)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"cannot get the text weights {config.weights!r} ({_first_line(error)}); give a local folder with "
                "--set text.weights=FOLDER, or random ones with --set text.weights="
            ) from None
        require_weights(config.weights, found["missing_keys"], allow_random)
    else:
        bert = BertModel(
            BertConfig(
                vocab_size=vocab_size,
                hidden_size=config.width,
                num_hidden_layers=config.depth,
                num_attention_heads=config.heads,
                intermediate_size=4 * config.width,
                max_position_embeddings=max(512, context_length),
                initializer_range=config.init_std or 0.02,
                **dropout,
            ),
            add_pooling_layer=False,
        )
    if vocab_size > bert.config.vocab_size:
        raise ConfigError(f"the tokenizer has {vocab_size} entries, the text tower only {bert.config.vocab_size}")
    if context_length > bert.config.max_position_embeddings:
        raise ConfigError(f"data.context_length is at most {bert.config.max_position_embeddings} for {config.weights}")
    return bert, int(bert.config.hidden_size)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
