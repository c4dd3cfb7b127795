"""The configuration: frozen dataclasses, every default in one place, read from TOML and `--set section.key=value`.

A stage's output depends on its own section alone; the section is part of the fingerprint of every part the stage
writes (`workspace.fingerprint`), so a changed value makes the parts stale. What cannot change the output (how many
connections, how long to wait) lives in `NetworkConfig` and is not part of any fingerprint.
"""

import dataclasses
import difflib
import json
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pmc15m.errors import ConfigError

# Name and password, also where that holds a character that should be escaped; query and fragment.
_SECRETS = re.compile(r"(?<=://)(?:[^/?#]*@|[^/?#]*:(?![0-9]*(?:[/?#]|$)).*@)|[?#].*", re.DOTALL)

RECIPE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")  # what is no such name is a recipe's path
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PMC_CLOUD_SERVICE = "https://pmc-oa-opendata.s3.amazonaws.com"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SelectConfig:
    """Which article versions of the catalog are fetched."""

    where: str = ""  # SQL condition over the catalog
    ids: str = ""  # file of PMCIDs, PMIDs or DOIs, one a line
    sample: float = 1.0  # share of PMCIDs, by hash: 0.01 is always the same 1 %
    limit: int = 0  # at most so many article versions; 0 = all
    as_of: str = ""  # ISO date: nothing released or changed later
    pmc_ids: str = ""  # PMC-ids.csv.gz, file or URL: journal, year, PMID and DOI for `index`
    versions: str = "preferred"  # "preferred" = one a PMCID (published before manuscript, then the highest), or "all"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrawlConfig:
    """What a raw shard holds."""

    articles_per_shard: int = 500
    table_images: bool = False  # pictures of tables as well
    formula_images: bool = False
    max_object_bytes: int = 256 << 20  # larger objects end as rows with the reason `too_big`
    max_bytes: int = 0  # stop cleanly after so many bytes; 0 = no budget
    min_free_bytes: int = 2 << 30  # stop cleanly before the disk is full
    max_removed_share: float = 0.01  # `index` refuses an inventory that lacks more of what was listed before


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """How the crawler behaves towards the service; has no influence on what is stored."""

    requests_per_s: float = 50.0  # 0 = no limit
    connections: int = 16
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    object_deadline_s: float = 300.0  # total, whatever trickles in between
    attempts: int = 6
    backoff_s: float = 0.5
    backoff_max_s: float = 60.0
    contact: str = ""  # e-mail or URL for the User-Agent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ParseConfig:
    """From raw shards to articles, figures and images."""

    max_xml_bytes: int = 64 << 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """From images to pixels and panels."""

    separator: str = "network"  # or "gutters", the pure-numpy one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurateConfig:
    """From figures and panels to pairs."""

    near_distance: int = 4  # Hamming distance of perceptual hashes that makes near duplicates
    near_caption_distance: int = 6  # of the captions' fingerprints: four fifths of their runs of three words are shared
    val_share: float = 0.00089  # of articles, as PMC-15M: 13.6 k of 15.3 M pairs
    test_share: float = 0.0475  # 726 k of 15.3 M
    against: str = ""  # file of hashes, or folder of images, of a benchmark to keep away from


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """From pairs to training shards."""

    recipe: str = "panels"  # a file of manifests/recipes, by name or path; "" = every pair
    where: str = ""  # SQL condition over the columns of `pairs`, beside the recipe's
    level: str = ""  # "figure" or "panel" alone
    pairs: str = ""  # file of figures: keys, or article and file as LLaVA-Med, PMC-OA and ROCO write them
    name: str = ""  # of the export's folder; "" = as its recipe and format
    out: str = ""  # the folder itself, anywhere; `run` follows only those in the workspace
    format: str = "webdataset"  # hf (Parquet with the pictures inside), jsonl, csv, tsv, llava, articles, interleaved
    text: str = "text"  # what becomes the caption: text, context, mentions, or the recipe's template
    columns: str = ""  # what a sample tells beside picture and text, with commas between; "" = everything
    pairs_per_shard: int = 10_000  # at most, give or take an article
    shuffle: bool = True  # pairs within a shard; false = an article's together, so that updates change fewer bytes
    image_format: str = "original"  # bytes as published where nothing has to change; "jpeg" or "webp" for all
    image_side: int = 0  # px; 0 = as large as published
    image_fit: str = "longer"  # which side is shrunk to image_side: longer or shorter; or a square: "crop" or "pad"
    jpeg_quality: int = 92  # of WebP, too
    panel_margin: int = 0  # px that a panel is cut wider on every side
    allow_derivatives_of_nd: bool = False  # cut or re-encode also what a licence with -ND forbids to alter


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it."""

    source: str = PMC_CLOUD_SERVICE
    select: SelectConfig = SelectConfig()
    crawl: CrawlConfig = CrawlConfig()
    network: NetworkConfig = NetworkConfig()
    parse: ParseConfig = ParseConfig()
    split: SplitConfig = SplitConfig()
    curate: CurateConfig = CurateConfig()
    export: ExportConfig = ExportConfig()


_FEWEST = {  # key: the smallest value that makes sense
    "select.limit": 0,
    "crawl.articles_per_shard": 1,
    "crawl.max_object_bytes": 1,
    "crawl.max_bytes": 0,
    "crawl.min_free_bytes": 0,
    "network.requests_per_s": 0,
    "network.connections": 1,
    "network.attempts": 1,
    "network.backoff_s": 0,
    "network.backoff_max_s": 0,
    "parse.max_xml_bytes": 1,
    "curate.near_distance": 0,
    "curate.near_caption_distance": 0,
    "export.pairs_per_shard": 1,
    "export.image_side": 0,
    "export.jpeg_quality": 1,
    "export.panel_margin": 0,
}
_MOST = {
    "network.connections": 1_000,
    "curate.near_distance": 8,
    "curate.near_caption_distance": 8,
    "export.jpeg_quality": 100,
}
_ABOVE_ZERO = (
    *("network.connect_timeout_s", "network.read_timeout_s", "network.object_deadline_s"),
    "select.sample",
)
_SHARES = ("crawl.max_removed_share", "select.sample", "curate.val_share", "curate.test_share")
_CHOICES = {
    "select.versions": ("preferred", "all"),
    "split.separator": ("network", "gutters"),
    "export.format": ("webdataset", "hf", "jsonl", "csv", "tsv", "llava", "articles", "interleaved"),
    "export.text": ("text", "context", "mentions", "template"),
    "export.level": ("", "figure", "panel"),
    "export.image_format": ("original", "jpeg", "webp"),
    "export.image_fit": ("longer", "shorter", "crop", "pad"),
}


def load_config(path: Path | None = None, overrides: Iterable[str] = (), *, base: Config | None = None) -> Config:
    """The defaults, or `base`, changed by a TOML file and then by `section.key=value` strings.

    Raises `ConfigError` for a file that is not TOML, an unknown key, and a value of the wrong type or size.
    """
    config = base or Config()
    if path is not None:
        try:
            tree = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot read the config file {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}") from None
        try:
            config = _apply(config, tree)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set takes section.key=value, not {override!r}")
        tree = _parse_value(value)
        for part in reversed(key.strip().split(".")):
            tree = {part: tree}
        config = _apply(config, tree)
    _check_values(config)
    return config


def public_address(address: str) -> str:
    """An address as it may be printed and kept: without name, password, query and fragment; a path as it is."""
    is_url = "://" in address and not address.startswith("file://")
    return _SECRETS.sub("", address) if is_url else address


def shareable(config: Config) -> Config:
    """The configuration as it may be printed and kept."""
    select = dataclasses.replace(config.select, pmc_ids=public_address(config.select.pmc_ids))
    return dataclasses.replace(config, source=public_address(config.source), select=select)


def as_dict(section: Any) -> dict[str, Any]:
    """A section (or the whole) as plain values, for fingerprints and for saving."""
    return dataclasses.asdict(section)


def to_toml(config: Config) -> str:
    """The configuration as TOML that `load_config` reads back to the same value."""
    tree = as_dict(config)
    lines = [f"{key} = {_toml_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for name, section in tree.items():
        if isinstance(section, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def _toml_value(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML's escapes are JSON's
    return repr(value)


def _parse_value(text: str) -> Any:
    """A TOML value, or the text itself where it is none (`--set source=http://…` needs no quotes)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _apply(section: Any, tree: Mapping[str, Any], prefix: str = "") -> Any:
    fields = {field.name: field for field in dataclasses.fields(section)}
    hints = typing.get_type_hints(type(section))
    changes = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"known keys: {', '.join(fields)}"
            raise ConfigError(f"unknown config key {name}; {hint}")
        current = getattr(section, key)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{name} is a section, not a value; set one of its keys")
            changes[key] = _apply(current, value, f"{name}.")
        else:
            changes[key] = _checked(name, value, hints[key])
    return dataclasses.replace(section, **changes)


def _check_values(config: Config) -> None:
    def value(key: str) -> Any:
        section, _, name = key.partition(".")
        return getattr(getattr(config, section), name)

    for key, least in _FEWEST.items():
        if value(key) < least:
            raise ConfigError(f"{key} is at least {least}, not {value(key)}")
    for key, most in _MOST.items():
        if value(key) > most:
            raise ConfigError(f"{key} is at most {most}, not {value(key)}")
    for key in _ABOVE_ZERO:
        if not value(key) > 0:
            raise ConfigError(f"{key} is above 0, not {value(key)}")
    for key in _SHARES:
        if not 0 <= value(key) <= 1:
            raise ConfigError(f"{key} is a share between 0 and 1, not {value(key)}")
    if config.curate.val_share + config.curate.test_share > 1:
        raise ConfigError("curate.val_share and curate.test_share are more than 1 together")
    for key, text in (("source", config.source), ("network.contact", config.network.contact)):
        if _CONTROL.search(text):
            raise ConfigError(f"{key} is one line of text")
    for key, choices in _CHOICES.items():
        if value(key) not in choices:
            known = " or ".join(choice for choice in choices if choice)
            raise ConfigError(f"{key} is {known}, not {value(key)!r}")


def _checked(name: str, value: Any, kind: Any) -> Any:
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        expected = " or ".join(f"{'an' if k is int else 'a'} {k.__name__}" for k in kinds)
        raise ConfigError(f"{name} takes {expected}, not {value!r}")
    return value
