"""The configuration: what can be set and what it means. The values live in `presets/*.toml`, each with its source.

A run's configuration is a preset, changed by a TOML file (`--config`), changed by `--set section.key=value`. It is
saved whole as `config.toml` in the run folder, so a run never depends on a preset that changed since.
"""

import dataclasses
import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from train.errors import ConfigError

PRESETS = Path(__file__).parent / "presets"
_MULTIPLES = {"text.width": "text.heads", "image.width": "image.heads", "data.image_size": "image.patch_size"}
Tree = Mapping[str, Any]

# What a value must be besides its type: what holds for it, and how that is said.
_NOT_NEGATIVE = (lambda number: 0 <= number < math.inf, "must not be negative")
Count = Annotated[int, (lambda number: number >= 1, "must be at least 1")]
CountOrNone = Annotated[int, _NOT_NEGATIVE]  # 0 has a meaning of its own
Amount = Annotated[float, _NOT_NEGATIVE]
Positive = Annotated[float, (lambda number: 0 < number < math.inf, "must be positive")]
Part = Annotated[float, (lambda share: 0 < share <= 1, "is a share in (0, 1]")]
Share = Annotated[float, (lambda share: 0 <= share < 1, "is a share in [0, 1)")]
Blocks = Annotated[int, (lambda number: number >= -1, "must be at least -1")]
Precision = Annotated[str, (("auto", "fp32", "bf16").__contains__, "is one of auto, fp32, bf16")]
Colour = Annotated[tuple[float, ...], (lambda values: len(values) == 3, "takes three numbers")]
Mix = Annotated[tuple[float, ...], (lambda values: all(0 < v < math.inf for v in values), "takes positive numbers")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """From exported pairs to batches."""

    batch_size: Annotated[int, (lambda n: n >= 2, "must be at least 2")]  # pairs a step, over all GPUs
    image_size: Count  # px, square
    crop_scale: Part  # smallest share of the picture's area that a training crop keeps
    mean: Colour  # of the RGB channels in 0…1
    std: Annotated[Colour, (lambda values: min(values) > 0, "must be positive")]
    context_length: Annotated[int, (lambda n: n >= 3, "must be at least 3")]  # tokens, [CLS] and [SEP] included
    max_pixels: Count  # larger pictures are never decoded and count as unreadable
    workers: CountOrNone  # loader processes; 0 = load in the training process
    mix: Mix  # of several exports, the share of each in every batch; [] = as many as it has pairs
    context_share: Share  # how often what concerns the whole figure stands in for a caption, where there is such
    mention_share: Share  # likewise a sentence of the article that cites the figure
    weight: str  # a column of the exports: its numbers weigh rows, its words are balanced; "" = every row once
    balance: Amount  # a word of n rows weighs n^-balance: 1 = each word equally often, 0 = each row


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The image tower: a timm ViT, or another network of timm; what only a ViT has is then 0."""

    model: str  # timm name with its weight tag
    weights: str  # "" = random, "hub" = what the tag names, else a safetensors file of the timm model
    pool: Annotated[str, (("", "token", "avg").__contains__, 'is one of token, avg, ""')]  # "" = as the timm name says
    patch_size: CountOrNone  # these four: 0 = as the timm name says
    width: CountOrNone
    depth: CountOrNone
    heads: CountOrNone
    init_std: Amount  # of a random tower's matrices; 0 = the library's (0.02, right for widths near 768)
    patch_dropout: Share  # of the patches, left out of a training step (FLIP, arXiv 2212.00794)
    whole_tail: Share  # of the run, its last steps: on all patches
    unlocked: Blocks  # blocks that are trained, from the last; -1 = the whole tower, 0 = its projection (LiT)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """The text tower: a BERT."""

    weights: str  # "" = random with the sizes below, else a folder or hub name of a transformers BERT
    pool: Annotated[str, (("cls", "mean").__contains__, "is one of cls, mean")]  # of the last layer: [CLS] or all
    tokenizer: str  # "" = train a WordPiece on the captions, else a folder or hub name
    vocab_size: Count  # entries of a WordPiece that is trained here
    width: Count
    depth: Count
    heads: Count
    init_std: Amount  # as above
    hidden_dropout: Share
    attention_dropout: Share
    unlocked: Blocks  # as above


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """AdamW under a warm-up and a cosine."""

    lr: Positive
    weight_decay: Amount  # not on biases, norms and the temperature: tensors of fewer than two dimensions
    beta1: Share
    beta2: Share
    eps: Positive
    warmup_steps: CountOrNone
    clip_norm: Amount  # of the whole gradient; 0 = no clipping
    temperature: Annotated[float, (lambda number: number >= 0.01, "must be at least 0.01")]  # at the start
    loss: Annotated[str, (("softmax", "sigmoid").__contains__, "is one of softmax, sigmoid")]  # arXiv 2303.15343
    layer_decay: Part  # of the rate, a block further from the output; 1 = none
    unlock_step: CountOrNone  # from which step on locked blocks are trained as well; 0 = never
    ema: Share  # decay a step of a second, averaged set of weights, which is then what is judged; 0 = none


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How long, how often, how."""

    seed: CountOrNone
    epochs: Count
    steps: CountOrNone  # 0 = as many as `epochs` need
    precision: Precision  # "auto" = bf16 autocast on CUDA, fp32 elsewhere; a run keeps what it began with
    micro_batch: CountOrNone  # pairs a GPU holds activations of (GradCache, arXiv 2101.06983); 0 = the whole batch
    threads: CountOrNone  # of torch on CPU; 0 = torch's choice
    log_every: Count  # steps
    eval_every: CountOrNone  # steps; 0 = at the end only
    suite: str  # whose zero-shot sets are evaluated meanwhile, by name or file; "" = none
    suite_data: str  # the folder that holds them
    suite_every: CountOrNone  # steps; 0 = at the end only
    save_every: CountOrNone  # steps; 0 = at the end and when interrupted
    keep: Count  # checkpoints that stay
    keep_every: CountOrNone  # steps whose checkpoints stay for ever, for `soup`; 0 = none
    activations_gb: Amount  # kept between the two passes over micro-batches; what does not fit is made twice
    compile: bool  # the towers' blocks, by torch.compile
    track: Annotated[str, (("", "tensorboard", "wandb").__contains__, 'is one of tensorboard, wandb, ""')]  # shows logs


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it."""

    init: str  # a run, a checkpoint or an open_clip folder to begin from; "" = as image.weights and text.weights say
    embed_dim: Count
    data: DataConfig
    image: ImageConfig
    text: TextConfig
    optim: OptimConfig
    run: RunConfig


def preset_names() -> list[str]:
    """The presets that ship."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_config(
    preset: str = "tiny", path: Path | None = None, overrides: Iterable[str] = (), start: Tree | None = None
) -> Config:
    """A preset, changed by `start` (a tree of values), a TOML file and then by `section.key=value` strings.

    Raises `ConfigError` for an unknown preset or key, a file that is not TOML, and a value of the wrong type or range.
    """
    if preset not in preset_names():
        raise ConfigError(f"unknown preset {preset!r}; there are: {', '.join(preset_names())}")
    tree = _merged(_read_toml(PRESETS / f"{preset}.toml"), start or {})
    return override(from_dict(_merged(tree, _read_toml(path) if path else {}), str(path or preset)), overrides)


def read_config(path: Path) -> Config:
    """A complete configuration from a TOML file: a preset, or `config.toml` of a run folder."""
    return from_dict(_read_toml(path), str(path))


def from_dict(tree: Tree, where: str) -> Config:
    """A complete configuration from plain values, as `meta.json` of a checkpoint holds; `where` is for messages."""
    config: Config = _build(Config, tree, where)
    values = flat(config)
    for dividend, divisor in _MULTIPLES.items():
        if values[divisor] and values[dividend] % values[divisor]:
            raise ConfigError(f"{dividend} {values[dividend]} is no multiple of {divisor} {values[divisor]}")
    return config


def override(config: Config, overrides: Iterable[str]) -> Config:
    """`config` with `section.key=value` strings applied, the last one winning."""
    tree = dataclasses.asdict(config)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set takes section.key=value, not {text!r}")
        try:
            change = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:  # `--set text.weights=some/folder` needs no quotes
            change = value
        for part in reversed(key.strip().split(".")):
            change = {part: change}
        tree = _merged(tree, change)
    return from_dict(tree, "--set")


def flat(config: Config) -> dict[str, Any]:
    """The values by their dotted keys."""
    tree = dataclasses.asdict(config)
    sections = {name: tree.pop(name) for name, value in list(tree.items()) if isinstance(value, dict)}
    return tree | {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}


def to_toml(config: Config) -> str:
    """TOML that `read_config` reads back to the same value, a dotted key a line. JSON's escapes are TOML's as well."""
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in flat(config).items())


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _build(kind: Any, tree: Tree, where: str, prefix: str = "") -> Any:
    """An instance of the dataclass `kind` from a tree that must name every field."""
    hints = get_type_hints(kind, include_extras=True)
    for name in sorted(tree.keys() - hints.keys()):
        close = difflib.get_close_matches(name, hints, n=1)
        told = f"did you mean {prefix}{close[0]}?" if close else f"known: {', '.join(prefix + key for key in hints)}"
        raise ConfigError(f"unknown config key {prefix}{name}; {told}")
    for name in sorted(hints.keys() - tree.keys()):
        raise ConfigError(f"{where} lacks {prefix}{name}")
    return kind(**{name: _value(hint, tree[name], where, f"{prefix}{name}") for name, hint in hints.items()})


def _merged(tree: Any, changes: Any) -> Any:
    """`tree` with the leaves of `changes` in it."""
    if not (isinstance(tree, Mapping) and isinstance(changes, Mapping)):
        return changes
    return {**tree, **{key: _merged(tree.get(key), change) for key, change in changes.items()}}


def _value(hint: Any, value: Any, where: str, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name} is a section, not a value; set one of its keys")
        return _build(hint, value, where, f"{name}.")
    kind, *rules = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if kind == tuple[float, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(v, int | float) for v in value):
            raise ConfigError(f"{name} takes a list of numbers, not {value!r}")
        value = tuple(float(v) for v in value)
    elif kind is float and type(value) is int:
        value = float(value)
    elif not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ConfigError(f"{name} takes {'an' if kind is int else 'a'} {kind.__name__}, not {value!r}")
    for holds, said in rules:
        if not holds(value):
            raise ConfigError(f"{name} {said}, not {value!r}")
    return value
