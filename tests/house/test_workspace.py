import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pmc15m
from pmc15m import schema
from pmc15m.errors import DamageError, UsageError
from pmc15m.workspace import (
    Workspace,
    atomic,
    digest_of,
    fingerprint,
    in_order,
    read_fingerprint,
    rows_to_table,
    shard_name,
    shard_number,
    write_part,
)


def test_a_part_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "articles" / "00000.parquet"

    def write_half() -> None:
        with atomic(path) as temporary:
            temporary.write_bytes(b"half")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_half()
    assert list(path.parent.iterdir()) == []


def test_shards_are_ordered_by_number_and_nothing_else_is_one(tmp_path: Path) -> None:
    numbers = [0, 7, 10_000, 99_999, 100_000, 100_001, 1_000_000]
    names = [shard_name(number) for number in numbers]
    (tmp_path / "pairs").mkdir()
    for name in [*names, "notes", "7", "000007", "00007 (copy)", "._00007", "0000x"]:
        (tmp_path / "pairs" / f"{name}.parquet").touch()
    workspace = Workspace(tmp_path)
    assert workspace.shards("pairs") == names
    assert workspace.parts("pairs") == [workspace.part("pairs", name) for name in names]
    assert [shard_number(name) for name in names] == numbers
    assert in_order(reversed(names)) == names


def test_same_table_same_bytes(tmp_path: Path) -> None:
    table = rows_to_table([{"pmcid": "PMC1", "version": 1, "status": "ok"}], schema.ARTICLES, partial=True)
    for name in ("a", "b"):
        write_part(tmp_path / name, table, "f" * 32)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.read_table(tmp_path / "a").to_pylist() == table.to_pylist()


def test_a_part_carries_what_made_it(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    assert read_fingerprint(path) is None
    write_part(path, pa.table({"x": [1]}), fingerprint("parse", 1, {"a": 1}, ["input"]))
    assert read_fingerprint(path) == fingerprint("parse", 1, {"a": 1}, ["input"])
    path.write_bytes(path.read_bytes()[:-9])
    assert read_fingerprint(path) is None


@pytest.mark.parametrize(
    "other",
    [
        ("split", 1, {"a": 1}, ["i"]),
        ("parse", 2, {"a": 1}, ["i"]),
        ("parse", 1, {"a": 2}, ["i"]),
        ("parse", 1, {"a": 1}, []),
    ],
)
def test_a_fingerprint_changes_with_everything_that_matters(other: tuple[str, int, dict[str, int], list[str]]) -> None:
    assert fingerprint("parse", 1, {"a": 1}, ["i"]) != fingerprint(*other)


def test_a_row_with_an_unknown_column_is_a_bug() -> None:
    with pytest.raises(KeyError, match="captoin"):
        rows_to_table([{"captoin": "A cell."}], schema.FIGURES)


def test_a_row_without_a_column_is_a_bug_unless_it_says_that_it_is_partial() -> None:
    row = {name: None for name in schema.FIGURES.names if name != "rights"}
    with pytest.raises(KeyError, match="rights"):
        rows_to_table([row], schema.FIGURES)
    assert rows_to_table([row], schema.FIGURES, partial=True)["rights"].to_pylist() == [None]


def test_a_fingerprint_follows_the_bytes_of_the_assets_wherever_they_lie(tmp_path: Path) -> None:
    def with_network(folder: str, content: bytes) -> str:
        path = tmp_path / folder / "kinds.onnx"
        path.parent.mkdir()
        path.write_bytes(content)
        return fingerprint("split", 1, {}, [], [path])

    assert with_network("a", b"trained") == with_network("b", b"trained") != with_network("c", b"trained again")


def test_nobody_lets_arrow_read_a_table_by_its_path() -> None:
    # pyarrow 21 takes split=test in the path of a file for a column, and nothing checks the bytes.
    package = Path(pmc15m.__file__).parent
    modules = [*package.rglob("*.py"), *(package.parent / "train").glob("*.py")]
    assert [module.name for module in modules if "read_table(" in module.read_text(encoding="utf-8")] == []


def test_no_thread_of_a_pool_holds_what_was_read(tmp_path: Path) -> None:
    """Such a thread takes the process down where it lets go of Python's bytes while the interpreter ends."""
    path = tmp_path / "part.parquet"
    write_part(path, pa.table({f"c{n}": pa.array(range(9)) for n in range(9)}), "x")
    asked = (
        "import os, pyarrow.parquet; from pathlib import Path; from pmc15m.workspace import read_part\n"
        "before = len(os.listdir('/proc/self/task')); read_part(Path(os.environ['PART']))\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    assert subprocess.check_output([sys.executable, "-c", asked], env=os.environ | {"PART": str(path)}) == b"0\n"


def test_one_positioned_read(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.tar("00000").parent.mkdir()
    workspace.tar("00000").write_bytes(b"0123456789")
    sha256 = hashlib.sha256(b"3456").hexdigest()
    assert workspace.read("00000", 3, 4, sha256) == b"3456"
    workspace.tar("00000").write_bytes(b"0123457")
    with pytest.raises(DamageError, match="other bytes than were fetched"):
        workspace.read("00000", 3, 4, sha256)


def test_an_unwritable_workspace_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write the workspace") as error:
        Workspace(tmp_path / "file").create()
    assert "\n" not in str(error.value)


def test_every_column_has_a_comment() -> None:
    for table in (schema.CATALOG, schema.RAW_INDEX, *schema.TABLES.values()):
        for field in table:
            assert field.metadata[b"comment"]


def test_keys_hold_no_dot() -> None:
    figure = schema.figure_key("PMC123", 2, 4)
    assert schema.panel_key(schema.image_key(figure, 1), 0) == "PMC123_2_f004_g01_p00"


def test_parts_are_packed_for_their_readers(tmp_path: Path) -> None:
    row = {"pair_key": "a", "image_key": "b", "text": "c", "phash": 1, "flags": ["x"], "year": 2020}
    box = {"x0": 0, "y0": 0, "x1": 1, "y1": 1}
    write_part(tmp_path / "part", rows_to_table([row | {"box": box}] * 3, schema.PAIRS, partial=True), "f" * 32)
    group = pq.read_metadata(tmp_path / "part").row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert {path for path, column in columns.items() if column.compression != "ZSTD"} == {
        *("pair_key", "figure_key", "image_key", "panel_key")
    }
    encoded = {path: column.has_dictionary_page for path, column in columns.items()}
    assert [encoded[path] for path in ("year", "flags.list.element", "box.x0")] == [True] * 3
    assert [encoded[path] for path in ("pair_key", "phash", "sha256")] == [False] * 3


def test_a_digest_tells_rows_apart_and_nothing_else() -> None:
    rows = {"n": [1, None, 3], "words": [["a"], None, []]}
    kind = pa.schema([pa.field("n", pa.int64()), pa.field("words", pa.list_(pa.string()), metadata={"comment": "any"})])
    whole = pa.Table.from_pydict(rows, kind)
    twice = pa.concat_tables([whole, whole])
    # what lies under a null, and where in memory rows begin, is not what they say
    assert digest_of(twice.slice(3).combine_chunks()) == digest_of(whole)
    under_null = pa.Array.from_buffers(pa.int64(), 3, [whole["n"].chunk(0).buffers()[0], pa.py_buffer(bytes(24))])
    other = pa.Array.from_buffers(
        pa.int64(), 3, [whole["n"].chunk(0).buffers()[0], pa.py_buffer(bytes(8) + b"7" * 8 + bytes(8))]
    )
    assert digest_of(pa.table({"n": under_null})) == digest_of(pa.table({"n": other}))
    for changed in ({"n": [1, 0, 3]}, {"words": [["a"], [], []]}, {"words": [["b"], None, []]}):
        assert digest_of(pa.Table.from_pydict(rows | changed, kind)) != digest_of(whole)
