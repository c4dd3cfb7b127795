"""What a user may type of stores, and what is answered where it makes no sense."""

import importlib.util
from pathlib import Path

import pytest

from pmc15m.cli import main
from pmc15m.errors import UsageError
from pmc15m.objects import checked_address


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'pmc15m\[stores\]'"):
        checked_address("s3://papers/x")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "--workspace", "s3://me:hush@papers/x"), "taken from the environment"),
        (("run", "--workspace", "s3://papers/x?X-Amz-Signature=hush"), "taken from the environment"),
        (("index", "--workspace", "hdfs://papers/hush"), "s3://, gs://, az://"),
        (("parse", "--workspace", "s3://papers/x", "--engine", "ray"), "--shard i/n"),
        (("index", "--workspace", "there", "--source", "s3://me:hush@papers"), "taken from the environment"),
        (("sql", "SELECT 1", "-o", "s3://papers/x.csv"), "no address"),
        (("split", "--pairs", "mine.csv", "--out", "s3://papers/x"), "no address"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line_and_leaves_no_folder(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PMC15M_SCRATCH", str(tmp_path / "scratch"))
    try:
        code = main(arguments)
    except SystemExit as ended:  # argparse's own
        code = int(ended.code or 0)
    told = capsys.readouterr().err
    assert code == 2
    assert said in told.splitlines()[-1]
    assert "hush" not in told
    assert not [path.name for path in tmp_path.iterdir() if ":" in path.name]


def test_the_folder_that_stands_for_a_store_is_not_written_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".store").write_text("s3://papers/x")
    assert main(["parse", "--workspace", str(tmp_path)]) == 2
    assert "--workspace s3://papers/x" in capsys.readouterr().err


def test_an_address_of_files_is_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "a b"
    assert main(["status", "--workspace", f"file://{tmp_path}/a%20b"]) == 2
    assert f"there is no workspace {folder};" in capsys.readouterr().err
