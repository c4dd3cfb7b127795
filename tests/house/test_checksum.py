"""No bit of a file of ours is believed unchecked."""

import contextlib
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pmc15m.checksum import check_file, read_rows, read_stamp
from pmc15m.errors import DamageError
from pmc15m.workspace import (
    copy_of,
    keep_twice,
    note_damage,
    note_path,
    part_writer,
    read_facts,
    read_fingerprint,
    read_part,
    restore,
    write_part,
)

TABLE = pa.table({"pmcid": [f"PMC{n}" for n in range(500)], "n": range(500), "text": ["a cell", None] * 250})


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "00000.parquet"
    write_part(path, TABLE, "f" * 32, tar_size=7)
    return path


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def test_a_part_is_read_as_it_was_written(part: Path) -> None:
    check_file(part)
    assert read_part(part).equals(TABLE)
    assert read_part(part, ["n"]).column_names == ["n"]
    assert read_rows(part, ["pmcid"])["pmcid"].equals(TABLE["pmcid"])
    facts = read_facts(part)
    assert facts is not None
    assert (facts["fingerprint"], facts["tar_size"]) == ("f" * 32, 7)


def test_other_readers_see_a_plain_file_with_checksums_of_pages(part: Path) -> None:
    assert pq.ParquetFile(part, page_checksum_verification=True).read().equals(TABLE)
    column = pq.read_metadata(part).row_group(0).column(1)
    flip(part, 8 * (column.dictionary_page_offset + column.total_compressed_size - 3))
    with pytest.raises(OSError, match="CRC"):
        pq.ParquetFile(part, page_checksum_verification=True).read()
    with pytest.raises(DamageError):
        read_rows(part, ["n"])


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_anywhere_is_refused_by_every_reader(part: Path, seed: int) -> None:
    chance, whole = random.Random(seed), part.read_bytes()
    ends = range(8 * len(whole) - 8 * 12, 8 * len(whole), 5)
    for bit in (*(chance.randrange(8 * len(whole)) for _ in range(100)), *ends):
        part.write_bytes(whole)
        flip(part, bit)
        for read in (check_file, read_part):
            with pytest.raises(DamageError, match="00000"):
                read(part)
        with contextlib.suppress(DamageError):  # who reads a few columns looks at the footer and at their pages
            assert read_rows(part, ["n", "text"]).equals(TABLE.select(["n", "text"]))


@pytest.mark.parametrize("left", [0, 1, 7, 8, 100, -1, -9])
def test_a_cut_file_is_none(part: Path, left: int) -> None:
    part.write_bytes(part.read_bytes()[:left])
    assert read_fingerprint(part) is None
    for read in (check_file, read_part, read_stamp):
        with pytest.raises(DamageError):
            read(part)


def test_a_file_of_somebody_else_is_none(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "old.parquet")
    assert read_fingerprint(tmp_path / "old.parquet") is None


def test_a_long_footer_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    with part_writer(path, pa.schema([(f"column{n}", pa.int32()) for n in range(900)]), "f" * 32, {}) as writer:
        writer.write_table(pa.table({f"column{n}": pa.array([n], pa.int32()) for n in range(900)}))
    footer = int.from_bytes(path.read_bytes()[-8:-4], "little")
    assert footer > 65_536
    assert read_fingerprint(path) == "f" * 32
    flip(path, 8 * (path.stat().st_size - footer + 9))
    assert read_fingerprint(path) is None


def test_a_noted_part_counts_as_missing_until_it_is_written_again(part: Path) -> None:
    note_damage(part)
    assert read_fingerprint(part) is None
    write_part(part, TABLE, "f" * 32)
    assert not note_path(part).exists()
    assert read_fingerprint(part) == "f" * 32


@pytest.mark.parametrize("harm", ["lost", "cut", "flipped", "lost copy", "flipped copy"])
def test_what_is_kept_twice_is_restored_to_the_byte(part: Path, harm: str) -> None:
    keep_twice(part)
    whole, harmed = part.read_bytes(), copy_of(part) if harm.endswith("copy") else part
    if harm.startswith("lost"):
        harmed.unlink()
    elif harm == "cut":
        harmed.write_bytes(whole[:-20])
    else:
        flip(harmed, 4000)
        note_damage(part)  # as `verify` does
    assert restore(part)
    assert part.read_bytes() == copy_of(part).read_bytes() == whole
    assert not note_path(part).exists()


def test_two_damaged_copies_are_not_believed(part: Path) -> None:
    keep_twice(part)
    for path in (part, copy_of(part)):
        flip(path, 4000)
    note_damage(part)
    assert not restore(part)
    assert list(part.parent.iterdir()) == []
