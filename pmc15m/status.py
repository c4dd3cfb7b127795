"""What of a workspace is complete, stale, missing or failed, from the local state alone."""

import json
from collections.abc import Callable
from typing import Any

from pmc15m import crawl
from pmc15m.config import Config
from pmc15m.curate import curate_state
from pmc15m.errors import ExitCode, UsageError
from pmc15m.export import export_state
from pmc15m.parse import PARSE
from pmc15m.split import SPLIT
from pmc15m.stage import StageState, stage_state
from pmc15m.workspace import Workspace


def show_status(workspace: Workspace, config: Config, *, as_json: bool = False) -> tuple[str, ExitCode]:
    """The state as text or JSON; INCOMPLETE while anything is stale, missing or failed."""
    if not workspace.root.is_dir():
        raise UsageError(f"there is no workspace {workspace.root}; make one with `pmc15m run --workspace DIR`")
    crawled = crawl.status(workspace)
    states = stage_states(workspace, config)
    complete = not crawled["todo"] and not any(state.todo for state in states.values())
    code = ExitCode.COMPLETE if complete else ExitCode.INCOMPLETE
    if as_json:
        counts = {name: _counts(state) for name, state in states.items()}
        return json.dumps({"crawl": crawled, "stages": counts, "complete": complete}, default=str), code
    lines = [f"{'crawl':8} " + ", ".join(f"{key} {value}" for key, value in crawled.items() if value)]
    for name, state in states.items():
        counts = _counts(state)
        lines.append(f"{name:8} " + (", ".join(f"{value} {key}" for key, value in counts.items() if value) or "-"))
    lines.append("complete" if complete else "incomplete: run `pmc15m run` with the same options to go on")
    return "\n".join(lines), code


def stage_states(workspace: Workspace, config: Config) -> dict[str, StageState]:
    """The state of every stage after the crawl, in order."""
    states: dict[str, Callable[[Workspace, Config], StageState]] = {
        "parse": lambda *where: stage_state(PARSE, *where),
        "split": lambda *where: stage_state(SPLIT, *where),
        "curate": curate_state,
        "export": export_state,
    }
    return {name: state(workspace, config) for name, state in states.items()}


def _counts(state: StageState) -> dict[str, Any]:
    return {"current": len(state.current), "stale": len(state.stale), "missing": len(state.missing)}
