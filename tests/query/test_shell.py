"""The interactive shell: statements over lines, dot commands, errors that do not end it."""

from collections.abc import Callable, Sequence

import pytest

from pmc15m.query import shell
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
        (".query nope", "no such command: .query nope"),
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
