"""What footers say is remembered, and never believed over the files."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pmc15m import footers
from pmc15m.checksum import read_stamp
from pmc15m.errors import DamageError
from pmc15m.tables import SCHEMA_VERSION
from pmc15m.workspace import Workspace, note_damage, read_digest, read_facts, read_fingerprint, write_part

ROWS = pa.table({"pmcid": ["PMC1", "PMC2"]})
HOUR_NS = 3_600_000_000_000


def fill(root: Path) -> Workspace:
    workspace = Workspace(root)
    for shard in ("00000", "00001"):
        write_part(workspace.part("figures", shard), ROWS, f"made from {shard}", rows=2)
    return workspace


def settle(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the footers say, an hour later by the clock of the file system, and be another process."""
    with monkeypatch.context() as patched:
        patched.setattr(Workspace, "now_ns", lambda self: os.stat(self.root / "figures").st_ctime_ns + HOUR_NS)
        workspace.keep_footers()
    monkeypatch.setattr(footers, "_folders", {})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two parts whose footers were kept, as another process finds them."""
    workspace = fill(tmp_path)
    settle(workspace, monkeypatch)
    return workspace


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footers, "read_stamp", lambda path: pytest.fail(f"the footer of {path} was read"))


def age(workspace: Workspace) -> None:
    """Let what was kept have been kept before the parts were last touched, as it is when a part is made anew."""
    os.utime(workspace.root / "figures" / footers.NAME, ns=(0, 0))


def test_no_footer_is_read_that_is_known(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch)
    for shard in ("00000", "00001"):
        facts = read_facts(workspace.part("figures", shard))
        assert facts == {"fingerprint": f"made from {shard}", "rows": 2, "schema_version": SCHEMA_VERSION}
        assert (
            read_digest(workspace.part("figures", shard)) == read_stamp(workspace.part("figures", shard))["body_sha256"]
        )


def test_what_was_touched_since_is_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = workspace.root / "figures" / footers.NAME
    kept.write_text(kept.read_text().replace("made from", "lies over"))
    age(workspace)
    assert read_fingerprint(workspace.part("figures", "00001")) == "made from 00001"


def test_what_another_version_kept_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = fill(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(footers, "_PASSING", ("body_sha256", "footer_sha256"))
        settle(workspace, monkeypatch)
    path = workspace.part("figures", "00001")
    assert read_digest(path) == read_stamp(path)["body_sha256"]


def test_a_part_that_was_made_again_says_itself_what_it_is(workspace: Workspace) -> None:
    age(workspace)
    path = workspace.part("figures", "00001")
    assert read_fingerprint(path) == "made from 00001"
    write_part(path, ROWS, "made anew", rows=2)
    assert read_fingerprint(path) == "made anew"
    path.write_bytes(path.read_bytes()[:-1])
    assert read_fingerprint(path) is None
    path.unlink()
    assert read_fingerprint(path) is None


def test_another_size_is_another_part(workspace: Workspace) -> None:
    write_part(workspace.part("figures", "00001"), ROWS.slice(1), "made anew from much less")
    assert read_fingerprint(workspace.part("figures", "00001")) == "made anew from much less"


def test_a_note_of_damage_counts_whatever_is_known(workspace: Workspace) -> None:
    path = workspace.part("figures", "00000")
    note_damage(path)
    assert read_fingerprint(path) is None


@pytest.mark.parametrize("text", ["", "00000.parquet\t1\n", "\x00\xff", "a\tb\tc\n"])
def test_what_is_kept_and_cannot_be_read_is_found_out_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    kept = workspace.root / "figures" / footers.NAME
    whole = kept.read_text()
    kept.write_bytes(text.encode("latin-1"))
    assert read_fingerprint(workspace.part("figures", "00000")) == "made from 00000"
    settle(workspace, monkeypatch)
    assert kept.read_text() == whole


def test_a_flipped_bit_of_what_is_kept_is_nobodys_fingerprint(workspace: Workspace) -> None:
    kept = workspace.root / "figures" / footers.NAME
    kept.write_text(kept.read_text().replace("made from 00001", "made from 00000"))
    os.utime(kept, ns=(2**62, 2**62))
    assert read_fingerprint(workspace.part("figures", "00001")) == "made from 00001"


def test_equal_parts_have_equal_notes_however_they_came(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = fill(tmp_path_factory.mktemp("another"))
    settle(another, monkeypatch)
    write_part(another.part("figures", "00002"), ROWS, "soon gone")
    settle(another, monkeypatch)
    another.part("figures", "00002").unlink()
    settle(another, monkeypatch)
    kept = [(place.root / "figures" / footers.NAME).read_bytes() for place in (workspace, another)]
    assert kept[0] == kept[1]


def test_what_does_not_change_is_not_written_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = workspace.root / "figures" / footers.NAME
    before = kept.stat().st_ino
    settle(workspace, monkeypatch)
    assert kept.stat().st_ino == before
    age(workspace)
    settle(workspace, monkeypatch)
    assert kept.stat().st_ino != before, "so that not all are read again by every command"


def test_a_copied_workspace_is_read_anew(workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(workspace.root / "figures", tmp_path / "elsewhere"))
    os.utime(elsewhere / footers.NAME, ns=(0, 0))  # as `cp -p` would leave it
    for name, shard in (("00000", "00001"), ("00001", "00000")):  # swapped on the way
        (elsewhere / f"{name}.parquet").write_bytes(workspace.part("figures", shard).read_bytes())
    assert read_fingerprint(elsewhere / "00000.parquet") == "made from 00001"


def test_a_file_of_somebody_else_is_asked_each_time(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workspace.part("figures", "00002")
    path.write_bytes(b"PAR1 nothing of ours PAR1")
    with pytest.raises(DamageError):
        footers.read_footer(str(path))
    settle(workspace, monkeypatch)
    write_part(path, ROWS, "ours")
    assert read_fingerprint(path) == "ours"


def test_within_one_moment_a_file_is_looked_at_once_and_after_it_anew(workspace: Workspace) -> None:
    part = workspace.part("figures", "00001")
    with footers.one_moment():
        assert read_fingerprint(part) == "made from 00001"
        with footers.one_moment():
            write_part(part, ROWS, "made from something else")
            assert read_fingerprint(part) == "made from 00001"
        note_damage(part)
        assert read_fingerprint(part) == "made from 00001"
    assert read_fingerprint(part) is None


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)


def test_a_part_that_was_touched_is_read_whole(workspace: Workspace) -> None:
    flip(workspace.part("figures", "00001"))
    age(workspace)
    with pytest.raises(DamageError, match=r"figures/00001\.parquet has other bytes"):
        workspace.check_touched(["figures"])


def test_a_part_that_nobody_touched_is_not_read_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footers, "check_file", lambda path: pytest.fail(f"{path} was read"))
    workspace.check_touched(["figures", "panels"])


def test_what_is_damaged_when_footers_are_kept_is_noted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for shard in ("00000", "00001"):
        write_part(workspace.part("raw", shard), ROWS, "an index")
    flip(workspace.part("figures", "00001"))
    age(workspace)
    settle(workspace, monkeypatch)
    assert workspace.notes() == [workspace.root / "figures" / "00001.damage"]
    assert "00001" not in (workspace.root / "figures" / footers.NAME).read_text()


def test_rows_are_counted_as_they_were_kept_and_anew_where_a_part_was_touched(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(footers, "read_metadata", lambda path: pytest.fail(f"{path} was read"))
        assert workspace.count_rows("figures") == 4
    write_part(workspace.part("figures", "00001"), pa.concat_tables([ROWS] * 9), "made anew")
    assert workspace.count_rows("figures") == 20
    flip(workspace.part("figures", "00001"))
    with pytest.raises(DamageError):
        workspace.count_rows("figures")
