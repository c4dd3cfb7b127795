"""The configuration that a workspace keeps, in `config.toml`: what it was made with, for every later command.

Its last line is a digest: what a flipped bit makes of it is nobody's wish. Who wants something else edits a copy and
gives it with --config. Paths in it are kept relative to the workspace where they lie inside, else absolute, so that the
workspace may move and commands may be typed anywhere.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pmc15m.config import Config, SelectConfig, load_config, public_address, shareable, to_toml
from pmc15m.errors import ConfigError
from pmc15m.workspace import Workspace, atomic

_MARK = b"# sha256 of the lines above: "
_HINT = "give what you want with --config FILE"
_PATHS = {"select": ("ids", "pmc_ids"), "curate": ("against",), "export": ("pairs",)}


def saved_config(workspace: Workspace) -> Config | None:
    """What the workspace was made with; None where it does not say. Raises `ConfigError` for what is none."""
    path = _path(workspace)
    if not path.is_file():
        return None
    text, _, digest = path.read_bytes().rpartition(_MARK)
    if digest.strip() != _digest(text):
        raise ConfigError(f"{path} is damaged or was edited; {_HINT}")
    try:
        return with_absolute_paths(load_config(path), workspace.root)
    except ConfigError as error:
        raise ConfigError(f"{error}; {_HINT}") from None


def save_config(workspace: Workspace, config: Config) -> None:
    """Keep the effective configuration beside the data, without passwords."""
    text = to_toml(told_config(workspace, config)).encode()
    text += _MARK + _digest(text) + b"\n"
    path = _path(workspace)
    if not path.exists() or path.read_bytes() != text:
        with atomic(path) as temporary:
            temporary.write_bytes(text)


def told_config(workspace: Workspace, config: Config) -> Config:
    """The configuration as it may be told to others: no passwords, and no place of what lies in the workspace."""
    root = os.path.abspath(workspace.root)

    def told(path: str) -> str:
        is_inside = os.path.isabs(path) and os.path.commonpath([root, path]) == root
        return os.path.relpath(path, root) if is_inside else path

    return _with_paths(shareable(config), told)


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def with_absolute_paths(config: Config, base: Path) -> Config:
    """The configuration with paths that do not depend on where a command is typed; relative ones begin at `base`."""
    return _with_paths(config, lambda path: os.path.abspath(base / path))


def widened(before: Config, after: Config) -> Iterator[str]:
    """What may fetch more than before: another source, or a selection that is not a part of the one before."""
    source, now = public_address(before.source).rstrip("/"), public_address(after.source).rstrip("/")
    if source != now:
        yield f"source {source} → {now}"
    for name, is_within in _IS_WITHIN.items():
        old, new = getattr(before.select, name), getattr(after.select, name)
        if old != new and not is_within(old, new):
            yield f"select.{name} {_shown(old)} → {_shown(new)}"


_IS_WITHIN: dict[str, Callable[[object, object], bool]] = {
    "where": lambda old, new: not old,
    "ids": lambda old, new: not old,
    "sample": lambda old, new: float(str(new)) <= float(str(old)),
    "limit": lambda old, new: not old or 0 < int(str(new)) < int(str(old)),
    "as_of": lambda old, new: not old or (bool(new) and str(new) < str(old)),
    "versions": lambda old, new: new == "preferred",
}
assert _IS_WITHIN.keys() < {field.name for field in dataclasses.fields(SelectConfig)}


def _shown(value: object) -> str:
    return repr(value) if value else "none"


def _path(workspace: Workspace) -> Path:
    return workspace.root / "config.toml"


def _with_paths(config: Config, change: Callable[[str], str]) -> Config:
    def changed(path: str) -> str:
        return change(path) if path and "://" not in path else path

    sections = {
        name: dataclasses.replace(section, **{key: changed(getattr(section, key)) for key in keys})
        for name, keys in _PATHS.items()
        for section in [getattr(config, name)]
    }
    return dataclasses.replace(config, source=changed(config.source), **sections)
