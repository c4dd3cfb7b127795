"""What `status` said last is said again where nothing was touched since, and nowhere else."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pmc15m import remembered as module
from pmc15m.config import Config
from pmc15m.errors import ExitCode
from pmc15m.remembered import NAME, remembered
from pmc15m.workspace import Workspace, note_damage, write_part

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with two parts, which are old by the clock of the file system."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "views.sql").touch()
    monkeypatch.setattr(module, "_PROGRAM", (program,))
    monkeypatch.setattr(Workspace, "now_ns", lambda self: os.stat(self.root).st_ctime_ns + HOUR_NS)
    workspace = Workspace(tmp_path / "data")
    for shard in ("00000", "00001"):
        write_part(workspace.part("pairs", shard), pa.table({"x": [1]}), "a")
    return workspace


def calls(workspace: Workspace, *changes: Callable[[], object], config: Config | None = None) -> list[int]:
    """How often the answer has been made, once it was asked for and then twice after each change."""
    made: list[int] = []

    def answer() -> tuple[str, ExitCode]:
        made.append(len(made))
        return f"answer\n{len(made)}", ExitCode.COMPLETE

    counts = []
    for change in (lambda: None, *changes):
        change()
        for _ in range(2):
            said = remembered(workspace, config or Config(), answer=answer)
            assert said == (f"answer\n{len(made)}", ExitCode.COMPLETE)
        counts.append(len(made))
    return counts


def test_nothing_is_made_twice_while_nothing_changes(workspace: Workspace) -> None:
    assert calls(workspace, lambda: None, lambda: (workspace.root / "durations.jsonl").touch()) == [1, 1, 1]


def test_whatever_is_touched_is_seen(workspace: Workspace) -> None:
    part, export = workspace.part("pairs", "00000"), workspace.root / "export" / "panels"
    changes = (
        lambda: part.write_bytes(bytes(reversed(part.read_bytes()))),
        lambda: os.utime(part, ns=(0, 0)),
        lambda: note_damage(part),
        part.unlink,
        lambda: export.mkdir(parents=True),
        lambda: (export / "export.json").touch(),
        lambda: (workspace.root.parent / "program" / "views.sql").write_text("SELECT 1"),
    )
    assert calls(workspace, *changes) == list(range(1, len(changes) + 2))


def test_files_elsewhere_count_that_the_configuration_names(workspace: Workspace, tmp_path: Path) -> None:
    recipe, hashes = tmp_path / "mine.toml", tmp_path / "benchmark"
    hashes.mkdir()
    config = Config()
    config = replace(
        config,
        export=replace(config.export, recipe=str(recipe)),
        curate=replace(config.curate, against=str(hashes)),
    )
    assert calls(workspace, recipe.touch, (hashes / "a.png").touch, config=config) == [1, 2, 3]


def test_what_is_missing_is_looked_for_again(workspace: Workspace) -> None:
    for said in (("one part cannot be read", ExitCode.INCOMPLETE), ("complete", ExitCode.COMPLETE)):
        assert remembered(workspace, Config(), answer=lambda said=said: said) == said


def test_links_in_circles_end(workspace: Workspace) -> None:
    export = workspace.root / "export"
    export.mkdir()
    for name in "ab":
        (export / name).symlink_to(".", target_is_directory=True)
    assert calls(workspace, workspace.part("pairs", "00000").unlink) == [1, 2]


def test_a_folder_called_as_a_shipped_recipe_does_not_count(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config()
    config = replace(config, export=replace(config.export, recipe="panels"))
    assert calls(workspace, (tmp_path / "panels").mkdir, config=config) == [1, 1]


def test_another_question_has_another_answer(workspace: Workspace) -> None:
    config = Config()
    other = replace(config, parse=replace(config.parse, max_xml_bytes=1))
    for at, (given, asked) in enumerate([(config, 1), (config, 2), (other, 2)]):
        answer = (str(at), ExitCode.COMPLETE)
        assert remembered(workspace, given, asked, answer=lambda answer=answer: answer) == answer


def test_what_was_touched_as_it_was_looked_at_is_not_believed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workspace, "now_ns", lambda self: os.stat(self.part("pairs", "00001")).st_ctime_ns)
    assert calls(workspace) == [2]
    assert not (workspace.root / NAME).exists()


def test_a_flipped_bit_of_what_is_kept_is_nobodys_answer(workspace: Workspace) -> None:
    def flip() -> None:
        kept = bytearray((workspace.root / NAME).read_bytes())
        kept[-1] ^= 1
        (workspace.root / NAME).write_bytes(kept)

    assert calls(workspace, flip) == [1, 2]


def test_of_an_export_elsewhere_nothing_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    config = Config()
    assert calls(workspace, config=replace(config, export=replace(config.export, out=str(tmp_path / "out")))) == [2]


def test_where_nothing_can_be_written_the_answer_is_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Workspace) -> int:
        raise PermissionError

    monkeypatch.setattr(Workspace, "now_ns", refuse)
    assert calls(workspace) == [2]
