"""Wrong use gives one line that says what is wrong and what to do, and exit code 2."""

from pathlib import Path

import pytest

from pmc15m.demo import Server
from tests.chain.conftest import FLAGS, pmc15m


def line(*arguments: str | Path) -> str:
    said = pmc15m(*arguments)
    assert said.returncode == 2, said.stderr
    complaint = [text for text in said.stderr.splitlines() if text.startswith("pmc15m: ")]
    assert len(complaint) == 1, said.stderr
    assert "Traceback" not in said.stderr
    return complaint[0]


def test_unknown_column(bucket: Server, tmp_path: Path) -> None:
    said = line("run", "--workspace", tmp_path, "--source", bucket.url, "--where", "yaer > 2015")
    assert "yaer" in said
    assert "year" in said


@pytest.mark.parametrize("source", ["no/such/folder", "http://127.0.0.1:9"])
def test_missing_source(tmp_path: Path, source: str) -> None:
    flags = ("--set", "network.attempts=1", "--set", "network.backoff_s=0.01")
    assert source in line("run", "--workspace", tmp_path, "--source", source, *flags)


def test_unwritable_workspace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot write the workspace" in line("run", "--workspace", tmp_path / "file")


def test_bad_config_key(tmp_path: Path) -> None:
    assert "did you mean crawl?" in line("run", "--workspace", tmp_path, "--set", "crwal.max_bytes=1")


@pytest.mark.parametrize("command", ["parse", "split", "curate", "export"])
def test_a_stage_before_its_input(tmp_path: Path, command: str) -> None:
    assert "there is nothing in" in line(command, "--workspace", tmp_path)


@pytest.mark.parametrize(
    "command", ["sql", "stats", "status", "report", "verify", "parse", "split", "curate", "export", "browse"]
)
def test_no_workspace(tmp_path: Path, command: str) -> None:
    arguments = ["SELECT 1"] if command == "sql" else []
    assert "there is no workspace" in line(command, *arguments, "--workspace", tmp_path / "absent")


def test_unknown_question(finished: Path) -> None:
    said = line("sql", "-f", "licenses", "--workspace", finished)
    assert "cannot read licenses" in said
    assert "licences" in said


def test_unknown_recipe(finished: Path) -> None:
    said = line("export", "--workspace", finished, "--recipe", "pannels", *FLAGS)
    assert "pannels" in said


@pytest.mark.parametrize("flags", [("sql", "-f"), ("export", "--recipe"), ("export", "--config")])
def test_a_file_that_is_no_text(finished: Path, tmp_path: Path, flags: tuple[str, str]) -> None:
    (tmp_path / "odd.toml").write_bytes(b"SELECT '\x98'")
    assert "odd.toml" in line(*flags, tmp_path / "odd.toml", "--workspace", finished)


@pytest.mark.parametrize("arguments", [["frobnicate"], ["run", "--limit", "0"], ["run", "--shard", "3/3"], []])
def test_argparse_refuses(arguments: list[str]) -> None:
    assert pmc15m(*arguments).returncode == 2
