"""Whether a column can vanish: delete each assignment of a column in turn, and see that a test fails.

    python -m benchmarks.columns

Works on a copy of the checkout. In `parse` and `split` an assignment is an entry of a row, in `curate` an entry or an
item of the SELECT that makes a table. A deletion that no test notices is named; the last line counts.
"""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from pmc15m.schema import TABLES

ROOT = Path(__file__).parents[1]
COLUMNS = {name for schema in TABLES.values() for name in schema.names}
TESTS = {
    "pmc15m/parse.py": "tests/stages/test_parse.py",
    "pmc15m/split.py": "tests/stages/test_split.py",
    "pmc15m/curate/stage.py": "tests/curate/test_curate.py",
    "pmc15m/curate/captions.sql": "tests/curate/test_curate.py",
    "pmc15m/curate/pairs.sql": "tests/curate/test_curate.py",
    "pmc15m/curate/duplicates.py": "tests/curate/test_curate.py",
    "pmc15m/curate/caption_groups.py": "tests/curate/test_caption_groups.py",
}
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Deletion:
    """One assignment: `text` is what is left of the file without it."""

    file: str
    column: str
    text: str


def deletions(file: str) -> Iterator[Deletion]:
    """Every deletion in one file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".sql"):
        yield from (Deletion(file, column, left) for column, left in _without_items(text))
        return
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in COLUMNS and _has_lines_alone(lines, key, value):
                    kept = lines[: key.lineno - 1] + lines[value.end_lineno :]
                    yield Deletion(file, str(key.value), "".join(kept))
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            start, end = (
                _offset(lines, node.lineno, node.col_offset),
                _offset(lines, node.end_lineno, node.end_col_offset),
            )
            if "SELECT" in text[start:end] and "key" in text[start:end]:
                for column, left in _without_items(text[start:end]):
                    yield Deletion(file, column, text[:start] + left + text[end:])


def _offset(lines: list[str], line: int | None, column: int | None) -> int:
    assert line is not None
    assert column is not None
    return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())


def _has_lines_alone(lines: list[str], key: ast.expr, value: ast.expr) -> bool:
    assert value.end_lineno is not None
    return lines[key.lineno - 1].lstrip().startswith('"') and lines[value.end_lineno - 1].rstrip().endswith(",")


def _without_items(sql: str) -> Iterator[tuple[str, str]]:
    """The last SELECT of a statement without each item that gives a column: the column, and the SQL that is left."""
    start = [match.end() for match in re.finditer(r"^\s*SELECT\b", sql, re.MULTILINE)][-1]
    depth, began, items = 0, start, []
    for place in range(start, len(sql)):
        if depth == 0 and re.match(r"\sFROM\b", sql[place:]):
            items.append((began, place))
            break
        depth += (sql[place] in "([{") - (sql[place] in ")]}")
        if depth == 0 and sql[place] == ",":
            items.append((began, place + 1))
            began = place + 1
    for number, (first, end) in enumerate(items):
        named = re.search(r"(\w+)\W*$", sql[first:end])
        if named and named[1] in COLUMNS:
            is_last = number == len(items) - 1
            yield named[1], sql[: first - is_last] + sql[end:]  # the last one takes the comma before it along


def main() -> None:
    """Try them all."""
    tried = list(dict.fromkeys(deletion for file in TESTS for deletion in deletions(file)))
    with tempfile.TemporaryDirectory() as temporary:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(WORKERS):
            copy = Path(temporary) / str(number)
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "data", "__pycache__"))
            copies.put(copy)

        def is_noticed(deletion: Deletion) -> bool:
            copy = copies.get()
            path = copy / deletion.file
            path.write_text(deletion.text, encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", TESTS[deletion.file]]
            code = subprocess.run(command, cwd=copy, capture_output=True).returncode
            shutil.copy(ROOT / deletion.file, path)
            copies.put(copy)
            return code != 0

        with ThreadPoolExecutor(WORKERS) as pool:
            noticed = list(pool.map(is_noticed, tried))
    for deletion, was_noticed in zip(tried, noticed, strict=True):
        if not was_noticed:
            print(f"not noticed: {deletion.column} in {deletion.file}")
    print(f"{sum(noticed)} of {len(tried)} deletions noticed")


if __name__ == "__main__":
    main()
