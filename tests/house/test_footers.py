"""What footers say is remembered, and never believed over the files."""

from pathlib import Path

import pyarrow as pa
import pytest

from pmc15m import footers
from pmc15m.errors import DamageError
from pmc15m.schema import SCHEMA_VERSION
from pmc15m.workspace import Workspace, note_damage, read_facts, read_fingerprint, write_part

ROWS = pa.table({"pmcid": ["PMC1", "PMC2"]})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Two parts whose footers were kept, as another process finds them."""
    workspace = Workspace(tmp_path)
    for shard in ("00000", "00001"):
        write_part(workspace.part("figures", shard), ROWS, f"made from {shard}", rows=2)
        read_facts(workspace.part("figures", shard))
    workspace.keep_footers()
    monkeypatch.setattr(footers, "_folders", {})
    return workspace


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be another process, which must not need to read a footer."""
    monkeypatch.setattr(footers, "_folders", {})
    monkeypatch.setattr(footers, "read_stamp", lambda path: pytest.fail(f"the footer of {path} was read"))


def test_no_footer_is_read_that_is_known(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    for shard in ("00000", "00001"):
        facts = read_facts(workspace.part("figures", shard))
        assert facts == {"fingerprint": f"made from {shard}", "rows": 2, "schema_version": SCHEMA_VERSION}


def test_a_part_that_was_made_again_says_itself_what_it_is(workspace: Workspace) -> None:
    path = workspace.part("figures", "00001")
    write_part(path, ROWS, "made anew")
    assert read_fingerprint(path) == "made anew"
    path.write_bytes(path.read_bytes()[:-1])
    assert read_fingerprint(path) is None
    path.unlink()
    assert read_fingerprint(path) is None


def test_a_note_of_damage_counts_whatever_is_known(workspace: Workspace) -> None:
    path = workspace.part("figures", "00000")
    note_damage(path)
    assert read_fingerprint(path) is None


@pytest.mark.parametrize("text", ["", "00000.parquet\t1\t2\n", "\x00\xff", "a\tb\tc\td\te\n"])
def test_what_is_kept_and_cannot_be_read_is_found_out_again(workspace: Workspace, text: str) -> None:
    kept = workspace.root / "figures" / footers.NAME
    whole = kept.read_text()
    kept.write_bytes(text.encode("latin-1"))
    assert read_fingerprint(workspace.part("figures", "00000")) == "made from 00000"
    assert read_fingerprint(workspace.part("figures", "00001")) == "made from 00001"
    workspace.keep_footers()
    assert sorted(kept.read_text().splitlines()) == sorted(whole.splitlines())


def test_what_is_gone_is_not_kept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.part("figures", "00000").unlink()
    write_part(workspace.part("figures", "00001"), ROWS, "made anew")
    read_fingerprint(workspace.part("figures", "00001"))
    workspace.keep_footers()
    assert "00000" not in (workspace.root / "figures" / footers.NAME).read_text()
    forget(monkeypatch)
    assert read_fingerprint(workspace.part("figures", "00001")) == "made anew"


def test_a_copied_workspace_is_read_anew(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "figures"
    elsewhere.mkdir()
    for name, shard in (("00000", "00001"), ("00001", "00000")):  # swapped on the way
        content = workspace.part("figures", shard).read_bytes()
        (elsewhere / f"{name}.parquet").write_bytes(content)
    (elsewhere / footers.NAME).write_bytes((workspace.root / "figures" / footers.NAME).read_bytes())
    assert read_fingerprint(elsewhere / "00000.parquet") == "made from 00001"


def test_a_file_of_somebody_else_is_asked_each_time(workspace: Workspace) -> None:
    path = workspace.part("figures", "00002")
    path.write_bytes(b"PAR1 nothing of ours PAR1")
    with pytest.raises(DamageError):
        footers.read_footer(path)
    write_part(path, ROWS, "ours")
    assert read_fingerprint(path) == "ours"
