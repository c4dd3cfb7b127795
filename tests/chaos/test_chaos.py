"""Chaos in its short form: a disturbed workspace becomes whole, and the comparison would see if it did not."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.chaos.__main__ import make_first, play
from benchmarks.chaos.compare import differences
from benchmarks.chaos.kinds import KINDS
from benchmarks.chaos.world import ANOTHER_EXPORT, World
from pmc15m.demo import Server, generate, serve


class Source:
    """A miniature PMC on loopback, and a workspace made from it that nothing disturbed."""

    def __init__(self, scratch: Path, server: Server) -> None:
        self.scratch, self.server, self.pmc, self.whole = scratch, server, scratch / "pmc", scratch / "whole"
        make_first(scratch, server, self.pmc, self.whole)

    def play(self, seed: int, *kinds: str) -> Path | None:
        """A round; its remains where it ends with a violation."""
        return play(self.scratch, self.server, self.pmc, self.whole, seed, kinds, Counter())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    scratch = tmp_path_factory.mktemp("chaos")
    generate(scratch / "pmc", articles=6, figure_px=120)
    with serve(scratch / "pmc") as server:
        yield Source(scratch, server)


@pytest.mark.timeout(600)  # commands have limits of their own, in `World`
def test_killed_and_cut_off_it_becomes_whole(source: Source) -> None:
    assert source.play(51, "kill", "network") is None


@pytest.mark.timeout(600)
def test_what_differs_is_said_with_its_place(
    source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lie(world: World) -> str:
        change(world.undisturbed, "figures", "caption")
        return "another caption"

    monkeypatch.setitem(KINDS, "lie", lie)
    assert source.play(23, "lie") is not None
    assert "VIOLATION: figures/00000.parquet: other bytes" in capsys.readouterr().out


@pytest.mark.timeout(600)
def test_another_layout_of_shards_is_no_difference(source: Source, tmp_path: Path) -> None:
    world = World(tmp_path / "round", source.server, source.pmc, source.whole, 0)
    for arguments in (("run",), ANOTHER_EXPORT):
        world.run(*arguments, "--set", "crawl.articles_per_shard=2")
    assert len(list((world.disturbed / "raw").glob("*.tar"))) > len(list((source.whole / "raw").glob("*.tar")))
    assert differences(source.whole, world.disturbed) == []


def change(root: Path, table: str, column: str) -> None:
    """Write another value into the first row of a table."""
    path = min((root / table).rglob("*.parquet"))
    read = pq.ParquetFile(path).read()
    place, values = read.schema.get_field_index(column), read[column].to_pylist()
    values[0] = f"{values[0]}?" if isinstance(values[0], str | None) else values[0] + 1
    field = read.schema.field(column)
    pq.write_table(read.set_column(place, field, pa.array(values, field.type)), path)


def leave_out(root: Path, table: str) -> None:
    path = min((root / table).rglob("*.parquet"))
    pq.write_table(pq.ParquetFile(path).read().slice(1), path)


def double(root: Path, table: str) -> None:
    path = min((root / table).rglob("*.parquet"))
    read = pq.ParquetFile(path).read()
    pq.write_table(pa.concat_tables([read, read.slice(0, 1)]), path)


def flip(root: Path, pattern: str) -> None:
    path = min(root.rglob(pattern))
    content = bytearray(path.read_bytes())
    content[700] ^= 1  # behind the first header of a tar
    path.write_bytes(content)


HARMS: dict[str, Callable[[Path], None]] = {
    "catalog": lambda root: change(root, "catalog", "doi"),
    "raw": lambda root: change(root, "raw", "format"),
    "articles": lambda root: change(root, "articles", "title"),
    "figures": lambda root: change(root, "figures", "caption"),
    "images": lambda root: change(root, "images", "href"),
    "pixels": lambda root: change(root, "pixels", "width"),
    "panels": lambda root: leave_out(root, "panels"),
    "captions": lambda root: change(root, "captions", "n_words"),
    "pairs": lambda root: double(root, "pairs"),
    "export: export/panels": lambda root: flip(root, "export/panels/*/*.tar"),
    "export: export/pmc15m-hf": lambda root: change(root, "export/pmc15m-hf/data", "text"),
}


def test_whatever_says_something_else_is_found(source: Source, tmp_path: Path) -> None:
    found = tmp_path / "found"
    shutil.copytree(source.whole, found)
    for harm in HARMS.values():
        harm(found)
    lines = differences(source.whole, found)
    assert [where for where in HARMS if not any(line.startswith(f"{where}") for line in lines)] == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda root: flip(root, "raw/*.tar"), "raw/00000.tar: .* is not as its index says"),
        (lambda root: (root / "raw" / "00000.tar").write_bytes(b""), "raw/00000.tar: cannot be read"),
        (lambda root: change(root, "images", "offset"), "images/00000.parquet: other bytes, though the raw shards are"),
        (lambda root: flip(root, "README.md"), "README.md: other bytes, though the raw shards are the same"),
        (lambda root: (root / "pairs" / "00000.parquet").unlink(), "pairs/00000.parquet: missing, though"),
    ],
)
def test_other_bytes_are_found(source: Source, tmp_path: Path, harm: Callable[[Path], None], said: str) -> None:
    found = tmp_path / "found"
    shutil.copytree(source.whole, found)
    harm(found)
    assert re.search(said, "\n".join(differences(source.whole, found)))
