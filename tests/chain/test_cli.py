"""The surface of the command line, frozen."""

import ast
import subprocess
import sys
from pathlib import Path

import pmc15m

COMMANDS = (
    *("run", "index", "crawl", "import", "parse", "split", "curate"),
    *("export", "sql", "stats", "report", "status", "verify", "demo", "try"),
)


def test_help_names_every_command() -> None:
    said = subprocess.run([sys.executable, "-m", "pmc15m.cli", "--help"], capture_output=True, text=True, check=True)
    assert [name for name in COMMANDS if f"    {name} " not in said.stdout] == []


def test_help_loads_no_heavy_module() -> None:
    """What keeps `--help` below 0.3 s: it must not even import Arrow."""
    code = (
        "import sys, pmc15m.cli\ntry: pmc15m.cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('pyarrow', 'duckdb', 'lxml', 'PIL', 'numpy', 'requests') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


def test_status_loads_what_it_reads_with_and_no_more(tmp_path: Path) -> None:
    """Half of what `status` costs on a small workspace is Arrow; DuckDB, parsers and decoders would double it."""
    code = (
        f"import sys, pmc15m.cli\npmc15m.cli.main(['status', '--workspace', {str(tmp_path)!r}])\n"
        "from pmc15m.curate.groupings import curate_state\nfrom pmc15m.export.state import export_state, other_states\n"
        "print([m for m in ('duckdb', 'pyarrow.compute', 'lxml', 'PIL', 'requests') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


def test_status_loads_no_arrow_where_nothing_was_touched_since_the_last_one(finished: Path) -> None:
    code = (
        f"import sys, pmc15m.cli\npmc15m.cli.main(['status', '--workspace', {str(finished)!r}])\n"
        "print([m for m in ('pyarrow', 'numpy', 'duckdb') if m in sys.modules])"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    )
    assert second == [*first[:-1], "[]"]
    assert len(second) > 5


def test_no_data_stage_imports_torch() -> None:
    package = Path(pmc15m.__file__).parent
    for module in package.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not [name for name in names if name.split(".")[0] in {"torch", "timm", "transformers"}], module


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(pmc15m.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`pmc15m {name}" not in readme] == []
