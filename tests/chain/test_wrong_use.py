"""Wrong use gives one line that says what is wrong and what to do, and exit code 2."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from pmc15m.cli import main
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


MADE = "--workspace {made}"
COPY = "--source {made}/pmc --workspace {here}/new"

# A command, and what its one line says. {here} is a folder with an `empty` file, a `folder`, a list that is `broken`.
WRONG = {
    "frobnicate": "invalid choice: 'frobnicate'",
    "run --limit 0": "argument --limit: 0 is not a positive number; `pmc15m run --help`",
    "run --shard 3/3": "argument --shard: '3/3' is not i/n",
    "run --set": "argument --set: expected one argument",
    "run --sample much": "argument --sample: invalid float value",
    "run --engine spark": "invalid choice: 'spark'",
    "completion fish": "invalid choice: 'fish'",
    "recipes radiology": "unrecognized arguments: radiology",
    f"run --set network=1 {COPY}": "network is a section",
    f"run --set select.limit=abc {COPY}": "select.limit takes an int, not 'abc'",
    f"run --sample 2 {COPY}": "a share between 0 and 1, not 2.0",
    f"run --where 'licence_group =' {COPY}": "is not a condition",
    f"run --where 'yaer > 2015' {COPY}": "known columns: pmcid",
    f"run --dry-run --where 'yaer > 2015' {COPY}": "known columns: pmcid",
    f"index --as-of yesterday {COPY}": "takes a date like",
    f"crawl --ids {{here}}/nowhere {COPY}": "cannot read the list of ids",
    f"run --ids {{here}}/empty {COPY}": "there is no id in",
    f"run --config {{here}}/folder {COPY}": "cannot read the config file",
    "run --source ftp://example.org/x --workspace {here}/new": "neither an address of http(s), s3,",
    "run --source {here}/empty --workspace {here}/new": "there is no folder",
    "import {here}/folder --workspace {here}/new": "is no source",
    "run --workspace {here}/empty/below": "cannot write the workspace",
    "demo --workspace {here}/mine": "something else than this demo; take another folder",
    "try {here}/folder": "is no picture that can be used",
    "try {here}/empty": "is no picture that can be used",
    "try {here}/empty --drawing {here}/folder": "the drawing is a PNG",
    "split --pairs {here}/empty": "is no list of pictures",
    "split --pairs {here}/folder": "takes one list",
    f"split --out {{here}} {MADE}": "--out goes with --pairs FILE",
    f"curate --against {{here}}/nowhere {MADE}": "name a folder of pictures, or a file of hashes",
    f"curate --against {{here}}/empty {MADE}": "holds no picture and no hash",
    f"export --recipe {{here}}/folder {MADE}": "there is no recipe",
    f"export --pairs {{here}}/empty {MADE}": "the list of figures {here}/empty names none",
    f"export --pairs {{here}}/broken {MADE}": "neither as JSON nor as CSV",
    f"export --pairs {{here}}/folder {MADE}": "Is a directory",
    f"export --columns doi,colour {MADE}": "a sample has no column 'colour'",
    f"export --text poem {MADE}": "export.text is text or context or mentions or template",
    f"export --format zip {MADE}": "export.format is webdataset or",
    f"export --where true --name ../../up {MADE}": "an export's name is letters",
    f"export --where 'true; DROP TABLE pairs' {MADE}": "Parser Error",
    f"export --out {{made}}/raw {MADE}": "--out is a folder outside of the workspace",
    f"export --out {{here}}/mine {MADE}": "holds something else than an export",
    f"export --out {{here}}/empty {MADE}": "holds something else than an export",
    "export --verify {here}/folder": "is no finished export",
    f"sql ';;' {MADE}": "there is no question in that",
    f"sql 'SELECT 1' -f licences {MADE}": "not both",
    f"sql -f {{here}}/empty {MADE}": "there is no question in that",
    f"sql 'SELECT 1' --format poem {MADE}": "--format takes table",
    f"sql 'SELECT 1' -o {{here}}/folder {MADE}": "Is a directory",
    f"browse --port 65536 {MADE}": "65536 is no port",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "empty").touch()
    (tmp_path / "broken").write_text('{"pmcid": "PMC1"')
    (tmp_path / "folder").mkdir()
    (tmp_path / "mine" / "pmc").mkdir(parents=True)
    for path in ("mine/README.md", "mine/pmc/notes.txt"):
        (tmp_path / path).write_text("mine")
    return tmp_path


@pytest.mark.parametrize("is_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("wrong", WRONG)
def test_one_line_says_what_is_wrong_and_nothing_is_left(
    wrong: str,
    is_json: bool,
    finished: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {*here.rglob("*"), *finished.rglob("*")}
    words = shlex.split(wrong.format(here=here, made=finished)) + ["--json"] * is_json
    monkeypatch.setattr(sys, "argv", ["pmc15m", *words])
    try:
        code = main(words)
    except SystemExit as ended:  # argparse's own
        code = int(ended.code or 0)
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    said = told.err.splitlines()[-1]
    assert WRONG[wrong].format(here=here) in (json.loads(said)["message"] if is_json else said)
    assert is_json or said.startswith("pmc15m")
    assert {*here.rglob("*"), *finished.rglob("*")} == before
