"""How a workspace was made, and what was exported from it, for the report."""

import datetime
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa

from pmc15m import __version__
from pmc15m.config import Config, to_toml
from pmc15m.query import webpage
from pmc15m.query.charts import whole
from pmc15m.schema import TABLES
from pmc15m.workspace import Workspace, durations, read_facts

# What each step of the chain leaves where.
_FOLDERS = {
    "index": ("catalog",),
    "crawl": ("raw",),
    "parse": ("articles", "figures", "images"),
    "split": ("pixels", "panels"),
    "curate": ("captions", "duplicates", "caption_groups", "pairs"),
    "export": ("export",),
}
assert set(TABLES) == {folder for step in ("parse", "split", "curate") for folder in _FOLDERS[step]}


def today() -> str:
    """The day as it stands on what is made now: that of SOURCE_DATE_EPOCH (reproducible-builds.org) where it is set."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.fromtimestamp(int(given), datetime.UTC) if given else datetime.datetime.now(datetime.UTC)
    return now.date().isoformat()


def lead(workspace: Workspace, config: Config) -> str:
    """What the numbers are of: source and day, selection, version."""
    day = str((read_facts(workspace.catalog) or {}).get("day") or "")[:10]
    select = config.select
    selected = [
        f"where {select.where}" * bool(select.where),
        f"a sample of {select.sample:g}" * (select.sample < 1),
        f"at most {select.limit:,}" * bool(select.limit),
        f"listed in {select.ids}" * bool(select.ids),
        f"as of {select.as_of}" * bool(select.as_of),
    ]
    told = f"Workspace {workspace.name}, source {config.source}{f', inventory of {day}' if day else ''}."
    if any(selected):
        told += f" Articles {', '.join(filter(None, selected))}."
    return f"{told} Made on {today()} by pmc15m {__version__}."


def making(workspace: Workspace, config: Config) -> str:
    """Bytes and time of every step, and the configuration."""
    taken = durations(workspace)
    rows = [
        {
            "step": step,
            "files": files,
            "MB": round(size / 1e6, 1),
            "time": _clock(taken.get(step)),
        }
        for step, folders in _FOLDERS.items()
        for files, size in [_measured(workspace.root / folder for folder in folders)]
    ]
    return (
        '<p class="lead">What lies in the workspace now, and how long all runs of each step took together '
        "(hours, minutes, seconds; processes of an array job added up).</p>"
        f'<div class="box">{webpage.table(pa.Table.from_pylist(rows))}</div>'
        '<details class="box configuration"><summary>The configuration</summary>'
        f"<pre>{escape(to_toml(config))}</pre></details>"
    )


def exported(workspace: Workspace) -> str:
    """The exports that lie in the workspace: what each recipe left, splits, and where the files are."""
    found = [
        (path.parent, facts)
        for path in sorted((workspace.root / "export").glob("*/export.json"))
        if (facts := _export_facts(path))
    ]
    if not found:
        return ""
    boxes = "".join(_export(workspace, folder, facts) for folder, facts in found)
    return (
        '<p class="lead">Each predicate removes what the ones before it have left. Paths begin in the workspace; '
        f'README.md in each folder says how it is loaded.</p><div class="funnels">{boxes}</div>'
    )


def _export_facts(path: Path) -> Mapping[str, Any] | None:
    """What an export says of itself; None where that cannot be read."""
    try:
        facts: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts if all(name in facts for name in ("recipe", "format", "samples", "funnel")) else None
    except (OSError, ValueError):
        return None


def _export(workspace: Workspace, folder: Path, facts: Mapping[str, Any]) -> str:
    funnel = facts["funnel"]
    first = funnel[0]["left"] if funnel else 0
    steps = []
    for step in funnel:
        kept = step["left"] / first * 100 if first else 0
        lost = step["removed"] / first * 100 if first else 0
        removed = f"<small>removes {whole(step['removed'])}</small> " if step["removed"] else ""
        steps.append(
            f'<li><div class="row"><span>{escape(str(step["name"]).replace("_", " "))}</span>'
            f'<span class="n">{removed}{whole(step["left"])}</span></div>'
            f'<div class="meter"><i style="width:{kept:.2f}%"></i><b style="width:{lost:.2f}%"></b></div></li>'
        )
    _, size = _measured([folder])
    splits = " · ".join(f"{escape(str(split))} {whole(count)}" for split, count in facts["samples"].items())
    place = folder.relative_to(workspace.root).as_posix()
    return (
        f'<div class="box"><h3>{escape(folder.name)}</h3>'
        f'<p class="meta">recipe {escape(str(facts["recipe"]))}, format {escape(str(facts["format"]))}, '
        f"{whole(round(size / 1e6, 1))} MB</p>"
        f'<ol class="steps">{"".join(steps)}</ol>'
        f'<p class="meta">{splits or "nothing"}</p><p><code>{escape(place)}/</code></p></div>'
    )


def _measured(folders: Iterable[Path]) -> tuple[int, int]:
    """How many files lie below some folders, and their bytes."""
    sizes = [size for folder in folders for size in _sizes(folder)]
    return len(sizes), sum(sizes)


def _sizes(folder: Path) -> Iterator[int]:
    for path, _, names in os.walk(folder):
        for name in names:
            yield os.stat(os.path.join(path, name)).st_size


def _clock(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
