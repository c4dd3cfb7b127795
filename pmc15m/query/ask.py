"""`pmc15m sql`: one question, or an interactive shell."""

import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from pmc15m.errors import ExitCode, UsageError
from pmc15m.query.connection import connect, query_error, refuse_changes
from pmc15m.query.manifests import ALL_TABLES, named_queries
from pmc15m.query.output import Format, parse_format, write
from pmc15m.workspace import Workspace

_HELP = """SQL over the workspace; a statement ends with ; and may span lines.
  .tables           tables and views          .schema [TABLE]   columns, with what they mean
  .queries          the questions that ship   .query NAME       ask one of them
  .format NAME      table, csv, json, markdown
  .help             this                      .quit             leave (also Ctrl-D)"""


def sql(
    workspace: Workspace,
    query: str,
    format: str = "table",
    output: Path | None = None,
    *,
    allow_files: bool = False,
) -> ExitCode:
    """Answer one question on stdout or in a file. Raises `UsageError`: one line that says what is wrong."""
    style = parse_format(format)
    with connect(workspace, allow_files=allow_files, query=query) as connection:
        answer(connection, query, style, output)
    return ExitCode.COMPLETE


def answer(connection: duckdb.DuckDBPyConnection, query: str, style: Format, output: Path | None = None) -> None:
    """Check the query, run it and write what it gives."""
    refuse_changes(connection, query)
    try:
        write(connection.sql(query).to_arrow_reader(), style, output)
    except duckdb.Error as error:
        raise query_error(error) from None
    except OSError as error:
        # BrokenPipeError (`pmc15m sql … | head`) is the command line's to answer
        if output is None:
            raise
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from None


def shell(workspace: Workspace, *, allow_files: bool = False, read: Callable[[str], str] = input) -> ExitCode:
    """Ask and answer until `.quit` or the end of the input; a wrong question is said and forgotten."""
    if sys.stdin.isatty():
        import readline  # noqa: F401  gives input() a history and line editing
    session = _Session(connect(workspace, allow_files=allow_files))
    print("pmc15m sql: .help tells what there is", file=sys.stderr)
    with session.connection:
        pending = ""
        while True:
            try:
                line = read("   ...> " if pending else "pmc15m> ")
            except EOFError:
                line = ".quit" if not pending.strip() else ";"
            except KeyboardInterrupt:
                print(file=sys.stderr)
                pending = ""
                continue
            if not pending and line.lstrip().startswith("."):
                if line.split()[0] in (".quit", ".exit"):
                    return ExitCode.COMPLETE
                session.try_to(session.command, line)
                continue
            pending += line + "\n"
            if line.rstrip().endswith(";"):
                if pending.strip("; \n\t"):
                    session.try_to(session.ask, pending)
                pending = ""


class _Session:
    """What the shell remembers."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.style = Format.TABLE

    def try_to(self, act: Callable[[str], None], text: str) -> None:
        try:
            act(text)
        except UsageError as error:
            print(error, file=sys.stderr)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)

    def ask(self, query: str) -> None:
        answer(self.connection, query, self.style)

    def command(self, line: str) -> None:
        name, *arguments = line.split()
        argument = arguments[0] if arguments else ""
        match name:
            case ".tables":
                self.ask("SHOW TABLES")
            case ".schema":
                print(_schema(argument))
            case ".queries":
                print("\n".join(f"{query.name:20} {query.title}" for query in named_queries().values()))
            case ".query" if argument in named_queries():
                self.ask(named_queries()[argument].sql)
            case ".format":
                self.style = parse_format(argument)
            case ".help":
                print(_HELP)
            case _:
                raise UsageError(f"no such command: {line.strip()}; .help lists them")


def _schema(table: str) -> str:
    if table and table not in ALL_TABLES:
        raise UsageError(f"no table {table}; tables: {', '.join(ALL_TABLES)} (DESCRIBE shows the columns of a view)")
    lines = []
    for name in [table] if table else ALL_TABLES:
        lines.append(name)
        lines += [f"  {field.name:20} {field.metadata[b'comment'].decode()}" for field in ALL_TABLES[name]]
    return "\n".join(lines)
