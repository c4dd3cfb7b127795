"""The configuration: what can be set and what it means. The values live in `presets/*.toml`, each with its source.

A run's configuration is a preset, changed by a TOML file (`--config`), changed by `--set section.key=value`. It is
saved whole as `config.toml` in the run folder, so a run never depends on a preset that changed since.
"""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from train.errors import ConfigError

PRESETS = Path(__file__).parent / "presets"
PRECISIONS = ("auto", "fp32", "bf16")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """From exported pairs to batches."""

    batch_size: int  # pairs a step, over all GPUs
    image_size: int  # px, square
    crop_scale: float  # smallest share of the picture's area that a training crop keeps
    mean: tuple[float, ...]  # of the RGB channels in 0…1
    std: tuple[float, ...]
    context_length: int  # tokens, [CLS] and [SEP] included; longer captions are cut
    max_pixels: int  # larger pictures are never decoded and count as unreadable
    workers: int  # loader processes; 0 = load in the training process


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The image tower: a timm ViT."""

    model: str  # timm name with its weight tag
    weights: str  # "" = random, "hub" = what the tag names, else a safetensors file of the timm model
    patch_size: int  # these four: 0 = as the timm name says
    width: int
    depth: int
    heads: int
    init_std: float  # of a random tower's matrices; 0 = the library's (0.02, right for widths near 768)
    patch_dropout: float  # share of the patches left out of a training step (FLIP, arXiv 2212.00794)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """The text tower: a BERT."""

    weights: str  # "" = random with the sizes below, else a folder or hub name of a transformers BERT
    tokenizer: str  # "" = train a WordPiece on the captions, else a folder or hub name
    vocab_size: int  # entries of a WordPiece that is trained here
    width: int
    depth: int
    heads: int
    init_std: float  # as above
    hidden_dropout: float
    attention_dropout: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OptimConfig:
    """AdamW under a warm-up and a cosine."""

    lr: float
    weight_decay: float  # not on biases, norms and the temperature: tensors of fewer than two dimensions
    beta1: float
    beta2: float
    eps: float
    warmup_steps: int
    clip_norm: float  # of the whole gradient; 0 = no clipping
    temperature: float  # at the start; learned from there, never below 1/100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How long, how often, how."""

    seed: int
    epochs: int
    steps: int  # 0 = as many as `epochs` need
    precision: str  # "auto" = bf16 autocast on CUDA, fp32 elsewhere; or "fp32", "bf16"
    micro_batch: int  # pairs a GPU holds activations of (GradCache, arXiv 2101.06983); 0 = the whole batch
    threads: int  # of torch on CPU; 0 = torch's choice
    log_every: int  # steps
    eval_every: int  # steps; 0 = at the end only
    save_every: int  # steps; 0 = at the end and when interrupted
    keep: int  # checkpoints that stay


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it."""

    embed_dim: int
    data: DataConfig
    image: ImageConfig
    text: TextConfig
    optim: OptimConfig
    run: RunConfig


def preset_names() -> list[str]:
    """The presets that ship."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_config(preset: str = "tiny", path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """A preset, changed by a TOML file and then by `section.key=value` strings.

    Raises `ConfigError` for an unknown preset or key, a file that is not TOML, and a value of the wrong type or range.
    """
    if preset not in preset_names():
        raise ConfigError(f"unknown preset {preset!r}; there are: {', '.join(preset_names())}")
    config = read_config(PRESETS / f"{preset}.toml")
    if path is not None:
        config = _checked(_replace(config, _read_toml(path)))
    return override(config, overrides)


def read_config(path: Path) -> Config:
    """A complete configuration from a TOML file: a preset, or `config.toml` of a run folder."""
    return from_dict(_read_toml(path), str(path))


def from_dict(tree: Mapping[str, Any], where: str) -> Config:
    """A complete configuration from plain values, as `meta.json` of a checkpoint holds; `where` is for messages."""
    config: Config = _build(Config, tree, where)
    return _checked(config)


def override(config: Config, overrides: Iterable[str]) -> Config:
    """`config` with `section.key=value` strings applied, the last one winning."""
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set takes section.key=value, not {text!r}")
        tree = _parse_value(value)
        for part in reversed(key.strip().split(".")):
            tree = {part: tree}
        config = _replace(config, tree)
    return _checked(config)


def differences(old: Config, new: Config) -> list[str]:
    """The dotted keys whose values differ, in order."""
    left, right = _flat(dataclasses.asdict(old)), _flat(dataclasses.asdict(new))
    return [key for key in left if left[key] != right[key]]


def to_toml(config: Config) -> str:
    """The configuration as TOML that `read_config` reads back to the same value."""
    tree = dataclasses.asdict(config)
    lines = [f"{key} = {_toml_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for name, section in tree.items():
        if isinstance(section, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def _checked(config: Config) -> Config:
    """`config` itself, once its values make sense together."""
    data, image, text, optim, run = config.data, config.image, config.text, config.optim, config.run
    at_least_one = {
        "embed_dim": config.embed_dim,
        "data.batch_size": data.batch_size,
        "data.image_size": data.image_size,
        "data.max_pixels": data.max_pixels,
        "text.vocab_size": text.vocab_size,
        "text.width": text.width,
        "text.depth": text.depth,
        "text.heads": text.heads,
        "run.epochs": run.epochs,
        "run.log_every": run.log_every,
        "run.keep": run.keep,
    }
    for key, number in at_least_one.items():
        _require(number >= 1, f"{key} must be at least 1, not {number}")
    not_negative = {
        "data.workers": data.workers,
        "image.patch_size": image.patch_size,
        "image.width": image.width,
        "image.depth": image.depth,
        "image.heads": image.heads,
        "image.init_std": image.init_std,
        "text.init_std": text.init_std,
        "optim.warmup_steps": optim.warmup_steps,
        "optim.weight_decay": optim.weight_decay,
        "optim.clip_norm": optim.clip_norm,
        "run.seed": run.seed,
        "run.steps": run.steps,
        "run.micro_batch": run.micro_batch,
        "run.threads": run.threads,
        "run.eval_every": run.eval_every,
        "run.save_every": run.save_every,
    }
    for key, amount in not_negative.items():
        _require(amount >= 0, f"{key} must not be negative, but is {amount}")
    _require(data.batch_size >= 2, "data.batch_size must be at least 2: one pair has nothing to be told apart from")
    _require(data.context_length >= 3, f"data.context_length must be at least 3, not {data.context_length}")
    _require(0 < data.crop_scale <= 1, f"data.crop_scale is a share in (0, 1], not {data.crop_scale}")
    _require(len(data.mean) == len(data.std) == 3, "data.mean and data.std take three numbers each")
    _require(min(data.std) > 0, "data.std must be positive")
    _require(text.width % text.heads == 0, f"text.width {text.width} is no multiple of text.heads {text.heads}")
    if image.width and image.heads:
        _require(
            image.width % image.heads == 0, f"image.width {image.width} is no multiple of image.heads {image.heads}"
        )
    if image.patch_size:
        _require(data.image_size % image.patch_size == 0, "data.image_size must be a multiple of image.patch_size")
    shares = {
        "image.patch_dropout": image.patch_dropout,
        "text.hidden_dropout": text.hidden_dropout,
        "text.attention_dropout": text.attention_dropout,
        "optim.beta1": optim.beta1,
        "optim.beta2": optim.beta2,
    }
    for key, share in shares.items():
        _require(0 <= share < 1, f"{key} is a share in [0, 1), not {share}")
    _require(optim.lr > 0, f"optim.lr must be positive, not {optim.lr}")
    _require(optim.eps > 0, f"optim.eps must be positive, not {optim.eps}")
    _require(optim.temperature >= 0.01, f"optim.temperature must be at least 0.01, not {optim.temperature}")
    _require(run.precision in PRECISIONS, f"run.precision is one of {', '.join(PRECISIONS)}, not {run.precision!r}")
    return config


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def _build(kind: Any, tree: Mapping[str, Any], where: str, prefix: str = "") -> Any:
    """An instance of the dataclass `kind` from a tree that must name every field."""
    hints = typing.get_type_hints(kind)
    _refuse_unknown(hints, tree, prefix)
    values = {}
    for name, hint in hints.items():
        if name not in tree:
            raise ConfigError(f"{where} lacks {prefix}{name}")
        values[name] = _value(hint, tree[name], where, f"{prefix}{name}")
    return kind(**values)


def _replace(section: Any, tree: Mapping[str, Any], prefix: str = "") -> Any:
    """`section` with the fields that the tree names changed."""
    hints = typing.get_type_hints(type(section))
    _refuse_unknown(hints, tree, prefix)
    changes = {}
    for name, value in tree.items():
        current = getattr(section, name)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{prefix}{name} is a section, not a value; set one of its keys")
            changes[name] = _replace(current, value, f"{prefix}{name}.")
        else:
            changes[name] = _value(hints[name], value, "", f"{prefix}{name}")
    return dataclasses.replace(section, **changes)


def _refuse_unknown(known: Mapping[str, Any], tree: Mapping[str, Any], prefix: str) -> None:
    for name in tree:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {prefix}{close[0]}?" if close else f"known: {', '.join(prefix + key for key in known)}"
            )
            raise ConfigError(f"unknown config key {prefix}{name}; {hint}")


def _value(hint: Any, value: Any, where: str, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{name} is a section, not a value")
        return _build(hint, value, where, f"{name}.")
    if hint == tuple[float, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(v, int | float) for v in value):
            raise ConfigError(f"{name} takes a list of numbers, not {value!r}")
        return tuple(float(v) for v in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or isinstance(value, bool):
        raise ConfigError(f"{name} takes {'an' if hint is int else 'a'} {hint.__name__}, not {value!r}")
    return value


def _parse_value(text: str) -> Any:
    """A TOML value, or the text itself where it is none (`--set text.weights=some/folder` needs no quotes)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml_value(value: int | float | str | tuple[float, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(repr, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{escaped}"'
    return repr(value)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
