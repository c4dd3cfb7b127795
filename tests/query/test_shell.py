"""The interactive shell: statements over lines, dot commands, errors that do not end it."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pmc15m.query.ask import shell
from pmc15m.workspace import Workspace

Typed = Callable[[Sequence[str]], tuple[str, str]]


@pytest.fixture
def typed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_lines(lines: Sequence[str]) -> tuple[str, str]:
        waiting = iter(lines)

        def read(prompt: str) -> str:
            line = next(waiting, None)
            if line is None:
                raise EOFError
            if line == "^C":
                raise KeyboardInterrupt
            return line

        assert shell(workspace, read=read) == 0
        said = capsys.readouterr()
        return said.out, said.err

    return type_lines


def test_a_statement_ends_with_a_semicolon(typed: Typed) -> None:
    out, _ = typed(["SELECT count(*) AS n", "FROM pairs", ";"])
    assert out == "n\n─\n5\n"


def test_the_end_of_the_input_ends_a_statement_too(typed: Typed) -> None:
    out, _ = typed(["SELECT 7 AS n"])
    assert out == "n\n─\n7\n"


def test_tables_and_schema(typed: Typed) -> None:
    out, _ = typed([".tables", ".schema panels", ".quit"])
    assert "figure_pairs" in out
    assert "alignment_score" in out
    assert "confidence that sub-caption and box belong together" in out


def test_the_questions_that_ship(typed: Typed) -> None:
    out, _ = typed([".queries", ".format csv", ".query years"])
    assert "Pairs by year of publication." in out
    assert out.endswith("year,figure_pairs,panel_pairs\n2018,1,0\n2020,1,2\n2021,1,0\n")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("SELECT nope FROM pairs;", "Binder Error"),
        ("DROP VIEW pairs;", "queries only read"),
        (".nope", "no such command: .nope"),
        (".schema nope", "no table nope"),
        (".query nope", "no question 'nope'; there are alignment"),
        (".format parquet", "-o FILE.parquet"),
        (".format nope", "--format takes"),
    ],
)
def test_a_wrong_line_is_said_and_forgotten(typed: Typed, wrong: str, told: str) -> None:
    out, err = typed([wrong, "SELECT 1 AS n;"])
    assert told in err
    assert out == "n\n─\n1\n"


def test_control_c_forgets_the_statement(typed: Typed) -> None:
    out, _ = typed(["SELECT 1 AS n,", "^C", "SELECT 2 AS n;", ";", ""])
    assert out == "n\n─\n2\n"


@pytest.mark.parametrize("word", ["help", "HELP;", ".help", "?"])
def test_who_asks_for_help_gets_it(typed: Typed, word: str) -> None:
    out, err = typed([word, "quit", "SELECT 1;"])
    assert ".schema [TABLE]" in out
    assert not err


def test_several_statements_are_answered_in_order(typed: Typed) -> None:
    out, _ = typed(["SELECT 1 AS n; SELECT 2 AS m;"])
    assert out == "n\n─\n1\n\nm\n─\n2\n"


def test_of_several_statements_none_is_run_when_one_would_change_something(typed: Typed) -> None:
    out, err = typed(["SELECT 1 AS n; DROP VIEW pairs;"])
    assert not out
    assert "queries only read" in err


def test_a_plan_is_drawn(typed: Typed) -> None:
    out, _ = typed(["EXPLAIN ANALYZE SELECT count(*) FROM pairs;"])
    assert "╭─" in out
    assert "explain_value" not in out


def test_a_file_of_statements_is_answered_without_prompts(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "pmc15m.cli", "sql", "--workspace", str(workspace.root)]
    told = subprocess.run(command, input="SELECT 1 AS a;\nSELECT 2 AS b;\n", capture_output=True, text=True)
    assert told.stdout == "a\n─\n1\nb\n─\n2\n"
    assert not told.stderr


class Terminal:
    """The shell on a terminal of its own, `columns` wide."""

    def __init__(self, root: Path, columns: int = 60) -> None:
        self.process, self._terminal = pty.fork()
        if not self.process:  # the child
            os.environ |= {"TERM": "dumb", "COLUMNS": str(columns)}
            os.execv(sys.executable, [sys.executable, "-m", "pmc15m.cli", "sql", "--workspace", str(root)])
        self.said = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> str:
        """What is said until `text` appears, with it."""
        while text not in self.said:
            if not select.select([self._terminal], [], [], 60)[0]:
                pytest.fail(f"{text!r} does not come after {self.said!r}")
            self.said += os.read(self._terminal, 65_536).decode(errors="replace")
        before, found, self.said = self.said.partition(text)
        return before + found

    def end(self) -> int:
        """Leave by Ctrl-D at the prompt."""
        self.wait_for("pmc15m> ")
        self.type("\x04")
        _, status = os.waitpid(self.process, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)


_ENDLESS = (
    "SELECT * FROM range(100000000000) WHERE range = -1;",
    "SELECT count(*) FROM range(100000000000) WHERE range % 7 = 3;",
)


@pytest.mark.parametrize("query", _ENDLESS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_query_and_not_the_shell(workspace: Workspace, query: str, number: signal.Signals) -> None:
    terminal = Terminal(workspace.root)
    terminal.wait_for("pmc15m> ")
    for _ in range(2):
        terminal.type(f"{query}\n")
        terminal.wait_for(";\r\n")
        os.kill(terminal.process, number)
        terminal.wait_for("interrupted")
        terminal.wait_for("pmc15m> ")
    terminal.type("SELECT 40 + 2 AS n;\n")
    terminal.wait_for("42")
    assert terminal.end() == 0


def test_a_terminal_is_filled_and_not_overflown(workspace: Workspace) -> None:
    terminal = Terminal(workspace.root, columns=50)
    terminal.wait_for("pmc15m> ")
    terminal.type("FROM pairs LIMIT 2;\n")
    terminal.wait_for(";\r\n")
    answer = terminal.wait_for("left out)")
    assert max(map(len, answer.splitlines()[:-1])) <= 50
    assert "pair_key" in answer
    assert "int32" in answer or "string" in answer
    assert "(2 rows, " in answer
    assert terminal.end() == 0


def test_names_are_completed_and_statements_remembered(workspace: Workspace, tmp_path: Path) -> None:
    root = shutil.copytree(workspace.root, tmp_path / "own")
    terminal = Terminal(root)
    terminal.wait_for("pmc15m> ")
    terminal.type("SELECT count(*) AS\nn FROM caption_gr\ts;\n")
    terminal.wait_for("(1 rows)")
    assert terminal.end() == 0

    again = Terminal(root)
    again.wait_for("pmc15m> ")
    again.type("\x1b[A")  # up
    again.wait_for("SELECT count(*) AS n FROM caption_groups;")
    again.type("\n")
    assert again.end() == 0
