"""What a workspace was made with is what the next command goes by; help, lists, and what failed commands leave."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmc15m.config import Config, load_config
from pmc15m.demo import generate, serve
from pmc15m.saved import save_config, saved_config, widened
from pmc15m.workspace import Workspace, read_part, write_part
from tests.chain.conftest import pmc15m

NAMES = ("stats", "report", "status", "verify", "browse", "parse", "curate", "export")
QUICK = ("--set", "crawl.min_free_bytes=0", "--set", "network.requests_per_s=0", "--workers", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a bucket, as a folder to read from."""
    root = tmp_path_factory.mktemp("source") / "pmc"
    generate(root, articles=8, figure_px=240, plain=True)
    return root


@pytest.fixture(scope="module")
def three(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was made with three articles."""
    root = tmp_path_factory.mktemp("three") / "data"
    told = pmc15m("run", "--workspace", root, "--source", folder, "--limit", "3", *QUICK)
    assert told.returncode in (0, 1), told.stderr
    return root


@pytest.fixture
def made(three: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(three, tmp_path / "moved"))


def count(workspace: Path) -> int:
    told = pmc15m("sql", "--workspace", workspace, "--format", "csv", "SELECT count(DISTINCT pmcid) FROM articles")
    return int(told.stdout.splitlines()[1])


def test_a_run_goes_on_with_what_the_workspace_was_made_with(made: Path) -> None:
    before = (made / "config.toml").read_bytes()
    told = pmc15m("run", "--workspace", made)
    assert "crawl: nothing to do" in told.stderr, told.stderr
    assert count(made) == 3
    assert (made / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--limit", "5"), "select.limit 3 → 5"),
        (("--set", "select.limit=0"), "select.limit 3 → none"),
        (("--source", "http://127.0.0.1:9"), "→ http://127.0.0.1:9"),
        (("--where", "year > 2000", "--sample", "0.5"), ""),
    ],
)
def test_a_wider_selection_has_to_be_confirmed(made: Path, flags: tuple[str, ...], said: str) -> None:
    before = (made / "config.toml").read_bytes()
    told = pmc15m("run", "--workspace", made, *flags)
    if said:
        assert told.returncode == 2
        assert said in told.stderr
        assert "--confirm" in told.stderr
        assert (made / "config.toml").read_bytes() == before
    else:
        assert told.returncode in (0, 1), told.stderr


def test_a_confirmed_selection_is_the_next_one(made: Path) -> None:
    pmc15m("run", "--workspace", made, "--limit", "5", "--confirm", *QUICK)
    assert count(made) == 5
    assert "crawl: nothing to do" in pmc15m("run", "--workspace", made).stderr


def test_import_remembers_its_folder(folder: Path, tmp_path: Path) -> None:
    imported = pmc15m("import", os.path.relpath(folder), "--workspace", tmp_path / "data", "--limit", "2", *QUICK)
    assert imported.returncode == 0, imported.stderr
    told = pmc15m("run", "--workspace", tmp_path / "data")
    assert "crawl: nothing to do" in told.stderr, told.stderr
    assert count(tmp_path / "data") == 2


def test_a_source_inside_the_workspace_moves_with_it(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "data" / "pmc")
    pmc15m("run", "--workspace", tmp_path / "data", "--source", tmp_path / "data" / "pmc", "--limit", "2", *QUICK)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    told = pmc15m("crawl", "--workspace", tmp_path / "elsewhere")
    assert "crawl: nothing to do" in told.stderr, told.stderr


def test_nothing_is_kept_of_a_source_that_cannot_be_listed(made: Path, tmp_path: Path) -> None:
    before = (made / "config.toml").read_bytes()
    flags = ("--set", "network.attempts=1", "--set", "network.backoff_s=0.01", "--source", "http://127.0.0.1:9")
    assert pmc15m("run", "--workspace", made, "--confirm", *flags).returncode == 2
    assert (made / "config.toml").read_bytes() == before
    for command in (("run", "--source", tmp_path / "nothing"), ("import", tmp_path / "nothing"), ("run", *flags)):
        assert pmc15m(*command, "--workspace", tmp_path / "new").returncode == 2
        assert not (tmp_path / "new").exists()


def test_a_damaged_configuration_is_nobodys_wish(made: Path, folder: Path) -> None:
    path = made / "config.toml"
    path.write_bytes(path.read_bytes().replace(b"limit = 3", b"limit = 7"))
    for command in (("parse",), ("run",), ("run", "--limit", "7", "--source", folder)):
        told = pmc15m(*command, "--workspace", made)
        assert told.returncode == 2
        assert "damaged or was edited" in told.stderr
    assert "--confirm" in told.stderr
    (made / "raw" / "selection").write_bytes(b"\x98")
    told = pmc15m("run", "--workspace", made, "--limit", "3", "--source", folder, *QUICK)
    assert told.returncode in (0, 1), "what was crawled is told by flags, and by the plan"
    assert pmc15m("parse", "--workspace", made).returncode == 0


def test_where_nothing_tells_what_was_fetched_it_is_told_again(made: Path, folder: Path, tmp_path: Path) -> None:
    kept = shutil.copy(made / "config.toml", tmp_path / "kept.toml")
    (made / "config.toml").write_bytes(b"")
    shutil.rmtree(made / "raw")
    told = ("run", "--workspace", made, "--config", kept)
    assert "--config FILE and --confirm" in pmc15m(*told).stderr
    assert pmc15m(*told, "--confirm").returncode in (0, 1)
    assert pmc15m("parse", "--workspace", made).returncode == 0


def test_a_configuration_of_another_version_is_nobodys_wish_either(made: Path) -> None:
    path = made / "config.toml"
    text, mark, _ = path.read_text(encoding="utf-8").rpartition("# sha256 of the lines above: ")
    text = text.replace("[split]", "[split]\nmax_pixels = 7")
    path.write_text(f"{text}{mark}{hashlib.sha256(text.encode()).hexdigest()}\n", encoding="utf-8")
    for command in (("status",), ("run",), ("run", "--dry-run"), ("run", "--limit", "3")):
        told = pmc15m(*command, "--workspace", made)
        assert told.returncode == 2
        [line] = told.stderr.splitlines()
        assert f"{path}: unknown config key split.max_pixels" in line
        assert line.endswith("give what you want with --config FILE")


@pytest.fixture
def older(made: Path) -> Path:
    """Made by a version that knew less of pictures."""
    for table in ("pixels", "pairs"):
        for path in (made / table).glob("*.parquet"):
            write_part(path, read_part(path).drop_columns(read_part(path).column_names[-1]), "of another version")
    return made


def test_what_is_of_another_version_is_told_and_made_again(older: Path) -> None:
    for command in (("curate",), ("export", "--recipe", "radiology"), ("report",)):
        told = pmc15m(*command, "--workspace", older)
        assert told.returncode in (1, 2)
        assert "is of another version; `pmc15m run` mends it" in told.stderr.splitlines()[-1]
    told = pmc15m("status", "--workspace", older)
    assert told.returncode == 1
    assert told.stdout.endswith("incomplete: `pmc15m run` goes on\n")
    assert pmc15m("run", "--workspace", older, *QUICK).returncode == 0
    assert pmc15m("status", "--workspace", older).stdout.endswith("\ncomplete\n")


def test_an_export_of_another_version_is_made_again(made: Path) -> None:
    [plan] = made.glob("export/*/.pmc15m/plan.parquet")
    write_part(plan, read_part(plan), "of another version")
    for path in (made / "export").glob("*/CHANGES.*"):
        path.unlink()
    assert pmc15m("verify", "--workspace", made).returncode == 1
    assert pmc15m("run", "--workspace", made, *QUICK).returncode == 0
    assert pmc15m("verify", "--workspace", made).returncode == 0


def test_a_dry_run_tells_and_fetches_nothing(folder: Path, tmp_path: Path) -> None:
    with serve(folder) as server:
        flags = ("--workspace", tmp_path / "data", "--source", server.url, "--limit", "4", "--dry-run")
        told = pmc15m("run", *flags)
        assert "4 article versions to fetch: about 28 requests" in told.stdout
        assert json.loads(pmc15m("run", *flags, "--json").stdout)["articles"] == 4
        assert not [key for key in server.requests if "PMC7" in str(key)]
    assert not list((tmp_path / "data").rglob("*.*"))


def test_a_dry_run_counts_what_is_left(made: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file()}
    assert pmc15m("run", "--workspace", made, "--dry-run").stdout.startswith("0 article versions")
    assert pmc15m("run", "--workspace", made, "--dry-run", "--limit", "5").stdout.startswith("2 article versions")
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file()} == before


def test_a_run_ends_with_what_came_out_and_where(made: Path) -> None:
    (made / "report" / "index.html").unlink()
    told = pmc15m("run", "--workspace", made)
    assert "3 articles, " in told.stderr
    assert str(made / "export" / "panels") in told.stderr
    assert str(made / "report" / "index.html") in told.stderr
    assert "all pairs are in " in told.stderr
    assert f"nothing has changed; report in {made}" in pmc15m("run", "--workspace", made).stderr
    held = json.loads(pmc15m("run", "--workspace", made, "--json").stdout)
    assert held["articles"] == 3
    assert sum(held["splits"].values()) == held["pairs"] > 0


@pytest.mark.parametrize("command", [("sql", "FROM pairs"), ("sql",), *((name,) for name in NAMES)])
def test_where_there_is_nothing_to_ask_that_is_said(three: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    told = pmc15m(*command, "--workspace", tmp_path)
    assert told.returncode == 2
    assert "there is nothing in" in told.stderr
    told = pmc15m(*command, "--workspace", three.parent)
    assert f"did you mean --workspace {three}?" in told.stderr
    assert not list(tmp_path.iterdir())


def test_lists_of_what_ships() -> None:
    assert "radiology" in pmc15m("recipes").stdout
    assert "licences_by_year" in json.loads(pmc15m("questions", "--json").stdout)
    assert load_config(None) == Config()


def test_the_whole_configuration_is_shown(made: Path, tmp_path: Path) -> None:
    shown = pmc15m("config", "--workspace", made, "--set", "export.image_side=256").stdout
    (tmp_path / "mine.toml").write_text(shown)
    read = load_config(tmp_path / "mine.toml")
    assert (read.select.limit, read.export.image_side) == (3, 256)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_and_flags() -> None:
    told = pmc15m("completion", "bash")
    asked = f"""{told.stdout}
COMP_WORDS=(pmc15m cura); COMP_CWORD=1; _shtab_pmc15m; echo "${{COMPREPLY[*]}}"
COMP_WORDS=(pmc15m export --allow); COMP_CWORD=2; _shtab_pmc15m; echo "${{COMPREPLY[*]}}"
"""
    answered = subprocess.run(["bash", "-c", asked], capture_output=True, text=True)
    assert answered.stdout.split() == ["curate", "--allow-derivatives-of-nd"], answered.stderr


def test_errors_are_json_where_results_are(tmp_path: Path) -> None:
    told = pmc15m("sql", "FROM pairs", "--workspace", tmp_path, "--json")
    assert told.returncode == 2
    assert "there is nothing" in json.loads(told.stderr)["message"]


@pytest.mark.parametrize("command", ["verify", "export", "parse", "report"])
def test_results_are_json_where_there_are_none_but_files(made: Path, command: str) -> None:
    told = pmc15m(command, "--workspace", made, "--json")
    assert json.loads(told.stdout), told.stderr
    assert all(json.loads(line)["message"] for line in told.stderr.splitlines())


def test_a_signal_while_it_loads_leaves_no_traceback() -> None:
    strike = """if 1:
        import os, runpy, signal, sys
        class Striking:
            def find_spec(self, name, path=None, target=None):
                if name == "pmc15m.cli":
                    os.kill(os.getpid(), signal.SIGINT)
        sys.meta_path.insert(0, Striking())
        runpy.run_module("pmc15m", run_name="__main__")"""
    done = subprocess.run([sys.executable, "-c", strike], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (-signal.SIGINT, "", "")


def test_without_a_command_there_is_help() -> None:
    told = subprocess.run([sys.executable, "-m", "pmc15m"], capture_output=True, text=True)
    assert told.returncode == 2
    assert "sql" in told.stdout
    assert "browse" in told.stdout


def test_each_help_shows_its_own_flags_and_an_example() -> None:
    shown = pmc15m("stats", "--help").stdout
    assert "--engine" not in shown
    assert "--source" not in shown
    assert "example: pmc15m stats" in shown
    assert "--engine" in pmc15m("split", "--help").stdout
    assert "--confirm" in pmc15m("run", "--help").stdout


def test_ray_is_asked_for_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ray'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = pmc15m("run", "--engine", "ray", "--workspace", tmp_path / "data", "--source", "http://127.0.0.1:9")
    assert "pip install 'pmc15m[ray]'" in told.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("before", "after", "is_wider"),
    [
        ("limit=5", "limit=4", False),
        ("limit=5", "limit=0", True),
        ("sample=0.5", "sample=0.1", False),
        ("sample=0.5", "sample=1", True),
        ("where=''", "where='year > 2000'", False),
        ("where='year > 2000'", "where=''", True),
        ("as_of='2026-01-01'", "as_of='2025-01-01'", False),
        ("as_of='2026-01-01'", "as_of=''", True),
        ("versions='preferred'", "versions='all'", True),
    ],
)
def test_what_is_wider(before: str, after: str, is_wider: bool) -> None:
    pair = [load_config(None, [f"select.{setting}"]) for setting in (before, after)]
    assert bool(list(widened(*pair))) is is_wider


def test_a_configuration_is_kept_as_it_is(tmp_path: Path) -> None:
    paths = (f"source={tmp_path}/pmc", f"select.ids={tmp_path.parent}/ids.txt", "curate.val_share=0.25")
    config = load_config(None, paths)
    save_config(Workspace(tmp_path), config)
    assert saved_config(Workspace(tmp_path)) == config
    assert 'source = "pmc"' in (tmp_path / "config.toml").read_text()
    assert saved_config(Workspace(tmp_path / "nothing")) is None


def test_an_address_stays_what_it_is(tmp_path: Path) -> None:
    save_config(Workspace(tmp_path), load_config(None, ["source=https://mirror.example.org/pmc"]))
    found = saved_config(Workspace(tmp_path))
    assert found is not None
    assert found.source == "https://mirror.example.org/pmc"
