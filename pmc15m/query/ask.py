"""`pmc15m sql`: questions, or an interactive shell."""

import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import duckdb

from pmc15m.errors import ExitCode, UsageError
from pmc15m.manifests import ALL_TABLES, named_queries
from pmc15m.query.connection import connect, query_error, refuse_changes, tables_of
from pmc15m.query.output import Format, parse_format, write
from pmc15m.workspace import Workspace

_HELP = """SQL over the workspace; a statement ends with ; and may span lines. Tab completes names, Ctrl-C ends a query.
  .tables           tables and views          .schema [TABLE]   columns, with what they mean
  .queries          the questions that ship   .query NAME       ask one of them
  .format NAME      table, csv, json, jsonl, markdown
  .help             this                      .quit             leave (also Ctrl-D)"""
_COMMANDS = (".tables", ".schema", ".queries", ".query", ".format", ".help", ".quit")
_WITHOUT_DOT = {"help": ".help", "quit": ".quit", "exit": ".quit", "?": ".help", ".exit": ".quit"}
_HISTORY = ".sql_history"
_REMEMBERED = 1000  # statements


class _Signals:
    """Ctrl-C and SIGTERM as interruptions of a shell: heard at the prompt and while a query runs, and kept meanwhile.

    One that came in the middle of a call of DuckDB's would leave the connection busy for good (2.0.1).
    """

    def __init__(self) -> None:
        self._is_heard = self._has_come = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Raise `KeyboardInterrupt` where a signal comes in here, or came before."""
        self._is_heard = True
        try:
            if self._has_come:
                self._has_come = False
                raise KeyboardInterrupt
            yield
        finally:
            self._is_heard = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the signals in here, in the place of whoever has them."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._is_heard:
            self._is_heard = False
            raise KeyboardInterrupt
        self._has_come = True


_signals = _Signals()


def sql(
    workspace: Workspace,
    query: str,
    format: str | None = None,
    output: Path | None = None,
    *,
    allow_files: bool = False,
) -> ExitCode:
    """Answer on stdout or in a file, whose name may say the format. Raises `UsageError`: one line, what is wrong."""
    style = parse_format(format, output)
    if tables_of(query):
        workspace.require_data()
    with connect(workspace, allow_files=allow_files, query=query) as connection:
        answer(connection, query, style, output)
    return ExitCode.COMPLETE


def answer(connection: duckdb.DuckDBPyConnection, query: str, style: Format, output: Path | None = None) -> None:
    """Check the statements of a query, run them and write what they give."""
    if style is Format.PARQUET and output is None:
        raise UsageError("Parquet is not for the screen; name a file with --output FILE")
    _interruptible(connection, partial(_answer, query, style, output))


def _answer(query: str, style: Format, output: Path | None, connection: duckdb.DuckDBPyConnection) -> None:
    statements = refuse_changes(connection, query)
    if output is not None and len(statements) > 1:
        raise UsageError(f"one statement a file, please, not {len(statements)}")
    if style is Format.JSON and len(statements) > 1:
        raise UsageError(f"JSON is one array: one statement, please, not {len(statements)}, or --format jsonl")
    for number, statement in enumerate(statements):
        if number and style is Format.TABLE:
            print()
        try:
            write(connection, statement, style, output)
        except duckdb.Error as error:
            raise query_error(error) from None
        except OSError as error:
            # BrokenPipeError (`pmc15m sql … | head`) is the command line's to answer
            if output is None:
                raise
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from None


def _interruptible(connection: duckdb.DuckDBPyConnection, act: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    """Do something in another thread: Python hears a signal only between two steps of its own, and a query is one.

    It has a cursor of its own: one that was interrupted may stay busy (DuckDB 2.0.1).
    """
    raised: list[BaseException] = []
    done = threading.Event()  # an interrupted `join` takes a thread for ended that is not (Python 3.11)

    def work() -> None:
        try:
            act(own)
        except BaseException as error:  # the other thread's to raise
            raised.append(error)
        finally:
            done.set()

    with connection.cursor() as own:
        threading.Thread(target=work).start()
        try:
            with _signals.heard():
                done.wait()
        except KeyboardInterrupt:
            while not done.wait(0.05):
                own.interrupt()  # again, as it may not have begun yet
            raise
    if raised:
        raise raised[0]


def shell(workspace: Workspace, *, allow_files: bool = False, read: Callable[[str], str] | None = None) -> ExitCode:
    """Ask and answer until `.quit` or the end of the input; a wrong question is said and forgotten.

    `read` stands in for the keyboard. On a terminal, statements are remembered in the workspace.
    """
    workspace.require_data()
    session = _Session(connect(workspace, allow_files=allow_files))
    is_typed = sys.stdin.isatty()
    if is_typed:
        print("pmc15m sql: .help tells what there is", file=sys.stderr)
    keyboard = read or (input if is_typed else _next_line)
    with session.connection, _remembering(workspace, session) if is_typed else nullcontext(), _signals.taken():
        while not session.is_over:
            try:
                session.take(keyboard)
            except UsageError as error:
                print(error, file=sys.stderr)
            except KeyboardInterrupt:
                session.pending = ""
                print("interrupted", file=sys.stderr)
    return ExitCode.COMPLETE


def _next_line(prompt: str) -> str:
    """A line of a file or pipe: nobody is prompted."""
    if not (line := sys.stdin.readline()):
        raise EOFError
    return line.rstrip("\n")


@contextmanager
def _remembering(workspace: Workspace, session: "_Session") -> Iterator[None]:
    """Line editing, completion of names, and the statements of earlier sessions, one entry each."""
    import readline

    path, names = workspace.root / _HISTORY, session.names()

    def complete(text: str, state: int) -> str | None:
        found = [name for name in names if name.lower().startswith(text.lower())]
        return found[state] if state < len(found) else None

    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_auto_history(False)
    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n,;()'\"=<>+-*/|")
    readline.parse_and_bind("tab: complete")
    session.remember = readline.add_history
    try:
        yield
    finally:
        readline.set_history_length(_REMEMBERED)
        with suppress(OSError):  # a workspace that can only be read
            readline.write_history_file(path)


class _Session:
    """What the shell remembers."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.style = Format.TABLE
        self.remember: Callable[[str], None] = lambda text: None
        self.pending = ""  # of a statement that goes on
        self.is_over = False

    def take(self, read: Callable[[str], str]) -> None:
        """Read a line, and do what is to be done with it."""
        try:
            with _signals.heard():
                line = read("   ...> " if self.pending else "pmc15m> ")
        except EOFError:
            self.is_over, line = True, ";"
        command = _WITHOUT_DOT.get(line.strip().rstrip(";").lower(), line.strip())
        if not self.pending and command.startswith("."):
            self.remember(command)
            self.command(command)
            return
        self.pending += line + "\n"
        if line.rstrip().endswith(";"):
            statement, self.pending = self.pending.strip(), ""
            if statement.strip("; \n\t"):
                self.remember(re.sub(r"\s*\n\s*", " ", statement))
                answer(self.connection, statement, self.style)

    def names(self) -> list[str]:
        """What Tab completes: commands, tables, views, columns and questions."""
        views = self.connection.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        columns = {name for table in ALL_TABLES.values() for name in table.names}
        return sorted({*_COMMANDS, *ALL_TABLES, *(name for (name,) in views), *columns, *named_queries()})

    def command(self, line: str) -> None:
        name, *arguments = line.split()
        argument = arguments[0] if arguments else ""
        match name:
            case ".tables":
                answer(self.connection, "SHOW TABLES", self.style)
            case ".schema":
                print(_schema(argument))
            case ".queries":
                print("\n".join(f"{query.name:20} {query.title}" for query in named_queries().values()))
            case ".query" if argument in named_queries():
                answer(self.connection, named_queries()[argument].sql, self.style)
            case ".query":
                raise UsageError(f"no question {argument!r}; there are {_listed(named_queries())}")
            case ".format":
                if (style := parse_format(argument)) is Format.PARQUET:
                    raise UsageError("Parquet is not for the screen: pmc15m sql QUERY -o FILE.parquet")
                self.style = style
            case ".help":
                print(_HELP)
            case ".quit":
                self.is_over = True
            case _:
                raise UsageError(f"no such command: {line}; .help lists them")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _schema(table: str) -> str:
    if table and table not in ALL_TABLES:
        raise UsageError(f"no table {table}; tables: {_listed(ALL_TABLES)} (DESCRIBE shows the columns of a view)")
    lines = []
    for name in [table] if table else ALL_TABLES:
        lines.append(name)
        lines += [
            f"  {field.name:20} {str(field.type).partition('<')[0]:10} {field.metadata[b'comment'].decode()}"
            for field in ALL_TABLES[name]
        ]
    return "\n".join(lines)
