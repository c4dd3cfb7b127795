"""The command line: one sub-command a stage. Parses arguments and calls, nothing more.

Modules of stages are imported only by the command that needs them, so that `pmc15m --help` answers at once.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote, urlsplit

from pmc15m.chain import STEPS, Step
from pmc15m.config import Config, load_config
from pmc15m.errors import ConfigError, ExitCode, Pmc15mError, UsageError
from pmc15m.objects import checked_address, is_address
from pmc15m.signals import end, heed_signals, insist_on_signals

if TYPE_CHECKING:
    from pmc15m.engine.stage import Execution
    from pmc15m.workspace import Workspace

_EPILOG = """exit codes: 0 complete, 1 something left undone (`pmc15m status` says what), 2 wrong use or bad input,
130 interrupted. Running the same command again is the resume."""


_WITHOUT_RESULT = ("index", "crawl", "import", "parse", "curate", "export", "verify", "demo")  # but what they leave


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.call is None:
        parser.print_help()
        return ExitCode.USAGE
    _start_logging(arguments)
    is_new = isinstance(arguments.workspace, Path) and not arguments.workspace.exists()
    heed_signals()
    try:
        with ExitStack() as stack:
            if arguments.writes:
                stack.enter_context(insist_on_signals())
            _reach(arguments, stack)
            code = int(arguments.call(arguments))
        if arguments.json and arguments.name in _WITHOUT_RESULT:
            print(json.dumps({"command": arguments.name, "exit_code": code}))
        return code
    except Pmc15mError as error:
        _say_error(str(error), arguments)
        if is_new and arguments.makes_workspace:
            with suppress(OSError):  # a failed command leaves nothing behind
                arguments.workspace.rmdir()
        return ExitCode.USAGE
    except KeyboardInterrupt:
        print("pmc15m: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        sys.stdout.flush()
        end()
    except BrokenPipeError:  # `pmc15m sql … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.COMPLETE
    except OSError as error:  # a full disk, a folder that cannot be written
        _say_error(f"{error.filename or 'input or output'}: {error.strerror or error}", arguments)
        return ExitCode.USAGE


def _say_error(text: str, arguments: argparse.Namespace) -> None:
    if arguments.json:
        logging.getLogger("pmc15m").error("%s", text)
    else:
        print(f"pmc15m: {text}", file=sys.stderr)


def _reach(arguments: argparse.Namespace, stack: ExitStack) -> None:
    """Keep other writers out while a command writes, and have a folder stand for a workspace in a store."""
    from pmc15m.claim import one_writer_of
    from pmc15m.mirror import address_of, scratch_of, standing_for

    if isinstance(arguments.workspace, Path):
        if (address := address_of(arguments.workspace)) is not None:
            raise UsageError(f"{arguments.workspace} stands for a workspace in a store: --workspace {address}")
        stack.enter_context(_alone(arguments))
        return

    address = checked_address(arguments.workspace)
    if arguments.engine == "ray":
        raise UsageError(
            "--engine ray needs a workspace that every machine sees as a folder; with a store, --shard i/n"
        )
    is_copied = arguments.reads_tables and getattr(arguments, "own_list", None) is None
    folder = scratch_of(address) if is_copied else stack.enter_context(TemporaryDirectory(prefix="pmc15m-"))
    mirror = standing_for(address, Path(folder))
    arguments.workspace = mirror.root
    if is_copied and arguments.writes:
        stack.enter_context(_alone(arguments))
        stack.enter_context(one_writer_of(mirror.objects, arguments.shard, f"pmc15m {arguments.name}"))
    mirror.pull(with_tables=is_copied)


def _alone(arguments: argparse.Namespace) -> AbstractContextManager[None]:
    """Keep other writers out while a command runs that writes into the workspace."""
    from pmc15m.workspace import Workspace
    from pmc15m.writer import one_writer

    workspace = Workspace(arguments.workspace)
    if arguments.makes_workspace:
        workspace.create()
    # Without a workspace the command says so itself; `verify` also reads what it cannot write into.
    needs_it = arguments.writes and workspace.root.is_dir() and getattr(arguments, "own_list", None) is None
    if not needs_it or (arguments.call is _verify and not os.access(workspace.root, os.W_OK)):
        return nullcontext()
    return one_writer(workspace, arguments.shard, f"pmc15m {arguments.name}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and as JSON where that is asked for."""

    def error(self, message: str) -> NoReturn:
        told = f"{self.prog}: {message}; `{self.prog} --help` shows the flags"
        if "--json" in sys.argv:
            told = _JsonLines().format(logging.makeLogRecord({"msg": told, "levelname": "ERROR"}))
        self.exit(ExitCode.USAGE, f"{told}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pmc15m", description="Rebuild PMC-15M, ask it questions in SQL, export subsets of it.", epilog=_EPILOG
    )
    from pmc15m import __version__

    parser.add_argument("--version", action="version", version=f"pmc15m {__version__}")
    parser.set_defaults(call=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    def command(
        name: str,
        call: Callable[[argparse.Namespace], ExitCode],
        text: str,
        *,
        writes: bool = True,
        makes_workspace: bool = False,
        reads_tables: bool = True,
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example: {_EXAMPLES[name]}\n\n{_EPILOG}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(call=call, name=name, writes=writes, makes_workspace=makes_workspace)
        added.set_defaults(reads_tables=reads_tables)  # as files; of a store, DuckDB also reads them where they lie
        _add_common(added, writes=writes and name not in ("report", "verify"), fetches=makes_workspace)
        return added

    chain = ", ".join(step.name for step in STEPS)
    running = command("run", _run, f"the whole chain: {chain}", makes_workspace=True)
    running.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")
    _add_selection(running)
    calls = {"split": _split, "export": _export, "report": _report}
    steps = {
        step.name: command(
            step.name, partial(calls.get(step.name, _step), step), step.summary, makes_workspace=step.fetches
        )
        for step in STEPS
    }
    importing = command(
        "import",
        _import,
        "index and crawl a folder of kept tarballs, loose articles or a bucket's copy",
        makes_workspace=True,
    )
    importing.add_argument(
        "folder", help="folder with oa_package tarballs, with JATS files and pictures, or in the bucket's layout"
    )
    for fetching in (steps["index"], steps["crawl"], importing):
        _add_selection(fetching)
    for wide in (running, importing):
        wide.add_argument(
            "--confirm", action="store_true", help="also where that fetches more than the workspace holds"
        )
    for name in ("crawl", "parse", "split"):
        steps[name].add_argument("--retry-failed", action="store_true", help="take just what failed before")
    steps["split"].add_argument("--gallery", type=_count, metavar="N", help="write a page with N figures, boxes drawn")
    steps["split"].add_argument(
        "--pairs", type=_path, dest="own_list", metavar="FILE", help="figures of one's own: JSON lines, CSV or TSV"
    )
    steps["split"].add_argument(
        "--out", type=_path, dest="own_out", metavar="DIR", help="with --pairs: rows and pictures of panels go there"
    )
    steps["curate"].add_argument("--against", metavar="FILE", help="hashes of a benchmark to flag what lies near it")
    _add_export(steps["export"])
    asking = partial(command, writes=False, reads_tables=False)
    sql = asking("sql", _sql, "ask a question; without a query, an interactive shell")
    sql.add_argument("query", nargs="?", help="SQL over the workspace's tables; read-only")
    sql.add_argument(
        "-f", "--file", type=_path, help="file with the query, or the name of a shipped question (manifests/queries)"
    )
    sql.add_argument("--format", help="table, csv, json, jsonl, parquet or markdown")
    sql.add_argument("-o", "--output", type=_path, help="write the answer to a file; its name says the format")
    sql.add_argument("--allow-files", action="store_true", help="let the query read files outside the workspace")
    trial = asking("try", _try, "split one figure, print what was found and draw it")
    trial.add_argument("image", type=_path, help="a picture: JPEG, PNG, GIF, TIFF, WebP or BMP")
    trial.add_argument("--caption", help="of the figure; its panels get their parts of it")
    trial.add_argument("--drawing", type=_path, metavar="FILE", help="default: NAME-panels.png in this folder")
    asking("stats", _stats, "the numbers of the report as text")
    browse = command("browse", _browse, "look at figures and pairs in a browser, on this machine alone", writes=False)
    browse.add_argument("--port", type=_port, default=8765, metavar="N", help="default: 8765; 0 takes a free one")
    browse.add_argument("--open", action="store_true", help="open the page in the browser")
    status = command("status", _status, "what is complete, stale, missing or failed", writes=False)
    status.add_argument(
        "--shares", type=_count, default=0, metavar="N", help="also which of N tasks of an array job are not done"
    )
    command("verify", _verify, "re-read every byte that was stored or made")
    demo = command(
        "demo", _demo, "the whole chain on a generated miniature PMC, without internet", makes_workspace=True
    )
    demo.set_defaults(workspace=Path("data/demo"))
    demo.add_argument("--articles", type=_count, default=60, metavar="N", help="articles to generate (default: 60)")
    demo.add_argument("--seed", type=int, default=0, help="of the generator (default: 0)")
    asking("config", _show_config, "every key of the configuration with its value in this workspace")
    asking("recipes", _show_recipes, "the recipes that ship, for `export --recipe`")
    asking("questions", _show_questions, "the questions that ship, for `sql -f`")
    completion = asking("completion", _completion, "completion of commands and flags for a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    return parser


_EXAMPLES = {
    "run": "pmc15m run --workspace data/sample --limit 200 --where \"licence_group = 'commercial'\"",
    "index": "pmc15m index --workspace data",
    "crawl": "pmc15m crawl --workspace data --limit 1000 --retry-failed",
    "import": "pmc15m import kept/oa_package --workspace data/kept",
    "parse": "pmc15m parse --workspace data --workers 8",
    "split": "pmc15m split --pairs my.jsonl --out panels",
    "try": "pmc15m try figure.png --caption '(A) CT. (B) MRI.'",
    "curate": "pmc15m curate --workspace data --against benchmark_hashes.csv",
    "export": "pmc15m export --recipe radiology --format hf --set export.image_side=256",
    "report": "pmc15m report --workspace data",
    "sql": "pmc15m sql 'SELECT journal, count(*) FROM pairs GROUP BY ALL' -o journals.csv",
    "stats": "pmc15m stats --workspace data --json",
    "browse": "pmc15m browse --workspace data --open",
    "status": "pmc15m status --workspace data --shares 64",
    "verify": "pmc15m verify --workspace data",
    "demo": "pmc15m demo --workspace data/demo --articles 60",
    "config": "pmc15m config --workspace data",
    "recipes": "pmc15m recipes",
    "questions": "pmc15m questions",
    "completion": 'eval "$(pmc15m completion bash)"',
}


def _add_common(parser: argparse.ArgumentParser, *, writes: bool, fetches: bool) -> None:
    """The flags of all commands; those that mean nothing to one are taken, and not shown."""

    def shown(text: str, *, means_something: bool) -> str:
        return text if means_something else argparse.SUPPRESS

    place = "a folder (default: data), or s3://, gs:// or az:// with bucket and prefix"
    parser.add_argument("--workspace", type=_place, default=Path("data"), metavar="DIR", help=place)
    parser.add_argument(
        "--config",
        type=_path,
        metavar="FILE",
        help="TOML (default: the workspace's own); `pmc15m config` shows all keys",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="e.g. crawl.table_images=true"
    )
    source = "base URL of the bucket, or a folder (default: the workspace's own, else the PMC service)"
    parser.add_argument("--source", metavar="URL", help=shown(source, means_something=fetches))
    workers, share = "processes", "take the i-th of n shares, from 0"
    parser.add_argument(
        "--workers", type=_count, default=os.cpu_count() or 1, metavar="N", help=shown(workers, means_something=writes)
    )
    parser.add_argument(
        "--engine", choices=("local", "ray"), default="local", help=shown("where they run", means_something=writes)
    )
    parser.add_argument(
        "--shard", type=_shard, default=(0, 1), metavar="i/n", help=shown(share, means_something=writes)
    )
    parser.add_argument("--json", action="store_true", help="results as JSON, logs and errors as JSON lines")
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-v", "--verbose", action="store_true", help="say more")
    volume.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("selection", "which articles of the catalog")
    group.add_argument(
        "--where", metavar="SQL", help="condition over the catalog, e.g. \"licence_group = 'commercial'\""
    )
    group.add_argument("--limit", type=_count, metavar="N", help="at most N article versions")
    group.add_argument("--sample", type=float, metavar="SHARE", help="stable random share, e.g. 0.01")
    group.add_argument("--ids", metavar="FILE", help="file of PMCIDs, PMIDs or DOIs, one a line")
    group.add_argument("--as-of", metavar="DATE", help="nothing newer than this ISO date")
    group.add_argument(
        "--accept-removals",
        action="store_true",
        help="also where the source lists far less than it did, or an older day",
    )
    group.add_argument("--max-bytes", type=_count, metavar="N", help="stop cleanly after N bytes")


def _add_export(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which pairs", "without --recipe, all that the other flags leave")
    which.add_argument("--recipe", help="named subset (manifests/recipes) or path of a recipe")
    which.add_argument("--where", dest="export_where", metavar="SQL", help="condition over the columns of pairs")
    which.add_argument("--level", choices=("figure", "panel"), help="whole figures, or panels alone")
    which.add_argument(
        "--pairs",
        dest="export_pairs",
        metavar="FILE",
        help="list of figures: keys, or article and file (LLaVA-Med, ROCO …)",
    )
    how = parser.add_argument_group("how they are written", "more with --set export.KEY=VALUE")
    how.add_argument("--format", help="webdataset (default), hf, jsonl, csv, tsv, llava, articles or interleaved")
    how.add_argument("--columns", metavar="A,B,…", help="what a sample tells (default: everything)")
    how.add_argument("--text", help="what becomes the caption: text (default), context, mentions or template")
    how.add_argument("--name", dest="export_name", metavar="NAME", help="of the folder in export/")
    how.add_argument("--out", metavar="DIR", help="a folder anywhere, which `run` does not follow")
    how.add_argument(
        "--allow-derivatives-of-nd",
        action="store_true",
        default=None,
        help="also cut and re-encode pictures whose licence (-ND) forbids passing them on so",
    )
    how.add_argument("--verify", type=_path, metavar="DIR", help="re-read an export that lies there, and write nothing")


# The flags that stand for a key of the configuration.
_FLAGS = {
    "source": "source",
    "where": "select.where",
    "limit": "select.limit",
    "sample": "select.sample",
    "ids": "select.ids",
    "as_of": "select.as_of",
    "max_bytes": "crawl.max_bytes",
    "against": "curate.against",
    "recipe": "export.recipe",
    "export_where": "export.where",
    "level": "export.level",
    "export_pairs": "export.pairs",
    "text": "export.text",
    "columns": "export.columns",
    "export_name": "export.name",
    "out": "export.out",
    "allow_derivatives_of_nd": "export.allow_derivatives_of_nd",
}


def _config(arguments: argparse.Namespace) -> Config:
    flags = [
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for flag, key in _FLAGS.items()
        if (value := getattr(arguments, flag, None)) is not None
    ]
    from pmc15m.saved import saved_config, with_absolute_paths
    from pmc15m.workspace import Workspace

    base = None
    if arguments.config is None and arguments.call is not _demo:
        try:
            base = saved_config(Workspace(arguments.workspace))
        except ConfigError:
            if arguments.call is not _run or arguments.source is None:  # which may be told all of it by flags
                raise
    return with_absolute_paths(load_config(arguments.config, [*arguments.overrides, *flags], base=base), Path())


def _context(arguments: argparse.Namespace) -> "tuple[Workspace, Config, Execution]":
    from pmc15m.engine.stage import Execution
    from pmc15m.workspace import Workspace

    if arguments.engine == "ray" and find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'pmc15m[ray]'")
    execution = Execution(
        engine=arguments.engine,
        workers=arguments.workers,
        shard=arguments.shard,
        retry_failed=getattr(arguments, "retry_failed", False),
        accept_removals=getattr(arguments, "accept_removals", False),
    )
    return Workspace(arguments.workspace), _config(arguments), execution


def _run(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.chain import run, say_summary, summary
    from pmc15m.crawl.select import check_selection
    from pmc15m.workspace import shown

    workspace, config, execution = _context(arguments)
    check_selection(config.select)
    if arguments.dry_run:
        from pmc15m.crawl.forecast import forecast

        print(forecast(workspace, config, as_json=arguments.json))
        return ExitCode.COMPLETE
    _refuse_to_widen(arguments, workspace, config)
    report = workspace.root / "report" / "index.html"
    before = report.stat().st_mtime_ns if report.exists() else None
    code = run(workspace, config, execution)
    is_same = report.exists() and report.stat().st_mtime_ns == before  # made again whenever a part or export is
    if is_same and not arguments.json:
        told = "run: nothing has changed; report in %s; look at it with `pmc15m browse --workspace %s`"
        logging.getLogger("pmc15m").info(told, shown(report), workspace)
    elif execution.processes == 1 and workspace.shards("pairs"):
        held = summary(workspace)
        say_summary(workspace, held)
        if arguments.json:
            print(json.dumps(held))
    return code


def _refuse_to_widen(arguments: argparse.Namespace, workspace: "Workspace", config: Config) -> None:
    """Let nobody fetch eight million articles who wanted to go on with two hundred. Raises `UsageError`."""
    from pmc15m.crawl.plan import selection_of
    from pmc15m.crawl.planned import read_plan
    from pmc15m.crawl.status import last_selection
    from pmc15m.saved import saved_config, widened

    if arguments.confirm:
        return
    try:
        before = saved_config(workspace)
    except ConfigError as error:
        crawled = {last_selection(workspace), *(file.selection for file in read_plan(workspace))}
        if selection_of(config) not in crawled:
            raise UsageError(f"{error} and --confirm: by what else is known, that was not fetched here") from None
        return
    if before is not None and (changes := list(widened(before, config))):
        raise UsageError(
            f"{workspace} was made with something else: {'; '.join(changes)}. "
            "--confirm fetches it all the same, --workspace DIR makes another workspace"
        )


def _step(step: Step, arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.chain import run_step
    from pmc15m.saved import save_config

    workspace, config, execution = _context(arguments)
    if step.fetches:
        from pmc15m.crawl.select import check_selection

        check_selection(config.select)
    else:
        workspace.require_data()
    code = run_step(step.name, step.load().run, workspace, config, execution)
    if step.fetches and (code is ExitCode.COMPLETE or step.name == "crawl"):
        save_config(workspace, config)
    workspace.keep_footers()
    return code


def _import(arguments: argparse.Namespace) -> ExitCode:
    arguments.source = arguments.folder
    _refuse_to_widen(arguments, *_context(arguments)[:2])
    return max(_step(step, arguments) for step in STEPS if step.fetches)


def _split(step: Step, arguments: argparse.Namespace) -> ExitCode:
    if arguments.own_list is not None:
        from pmc15m.listed import split_list

        config, out = _config(arguments).split, arguments.own_out
        return split_list(arguments.own_list, config, out=out, stream=sys.stdout, workers=arguments.workers)
    if arguments.own_out is not None:
        raise UsageError("--out goes with --pairs FILE; a workspace has its own places")
    code = _step(step, arguments)
    if arguments.gallery:
        from pmc15m.query.report import gallery
        from pmc15m.workspace import shown

        print(shown(gallery(_context(arguments)[0], arguments.gallery)))
    return code


def _export(step: Step, arguments: argparse.Namespace) -> ExitCode:
    if arguments.verify is not None:
        from pmc15m.export.audit import verify_export

        return verify_export(arguments.verify, _context(arguments)[0])
    if arguments.format is not None:
        arguments.overrides.append(f"export.format={arguments.format}")
    if arguments.recipe is None and (arguments.export_where or arguments.level or arguments.export_pairs):
        arguments.recipe = ""
    return _step(step, arguments)


def _report(step: Step, arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.query.report import report
    from pmc15m.workspace import shown

    place = shown(report(*_context(arguments)[:2]))
    print(json.dumps({"report": place}) if arguments.json else place)
    return ExitCode.COMPLETE


def _sql(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.query.ask import shell, sql

    workspace, _, _ = _context(arguments)
    text = arguments.query
    if arguments.file is not None:
        if text is not None:
            raise UsageError("give a query or -f FILE, not both")
        text = _query_text(arguments.file)
    if text is None:
        return shell(workspace, allow_files=arguments.allow_files)
    style = arguments.format or ("json" if arguments.json and arguments.output is None else None)
    return sql(workspace, text, format=style, output=arguments.output, allow_files=arguments.allow_files)


def _query_text(file: Path) -> str:
    """The query in a file, or the shipped question of that name."""
    from pmc15m.manifests import named_queries

    questions = named_queries()
    if not file.exists() and str(file) in questions:
        return questions[str(file)].sql
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}; shipped: {', '.join(questions)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8, so no query") from None


def _try(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.listed import try_figure

    drawing = arguments.drawing or Path(f"{arguments.image.stem}-panels.png")
    try_figure(arguments.image, arguments.caption, drawing, as_json=arguments.json)
    return ExitCode.COMPLETE


def _stats(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.query.statistics import stats

    workspace, _, _ = _context(arguments)
    print(stats(workspace, json=arguments.json))
    return ExitCode.COMPLETE


def _browse(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.browse import browse

    return browse(_context(arguments)[0], arguments.port, show=arguments.open)


def _status(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.chain import show_status
    from pmc15m.remembered import remembered

    workspace, config, _ = _context(arguments)
    asked = {"as_json": arguments.json, "shares": arguments.shares}
    text, code = remembered(workspace, config, asked, answer=partial(show_status, workspace, config, **asked))
    print(text)
    return code


def _verify(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.verify import verify

    workspace, _, _ = _context(arguments)
    return verify(workspace)


def _demo(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.chain import run_demo

    workspace, config, execution = _context(arguments)
    return run_demo(workspace, config, execution, articles=arguments.articles, seed=arguments.seed)


def _show_config(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.config import as_dict, shareable, to_toml

    config = shareable(_config(arguments))
    print(json.dumps(as_dict(config)) if arguments.json else to_toml(config), end="\n" if arguments.json else "")
    return ExitCode.COMPLETE


def _show_recipes(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.export.recipes import load_recipe, shipped_recipes

    _list(arguments, {name: load_recipe(name).description for name in shipped_recipes()})
    return ExitCode.COMPLETE


def _show_questions(arguments: argparse.Namespace) -> ExitCode:
    from pmc15m.manifests import named_queries

    _list(arguments, {query.name: query.title for query in named_queries().values()})
    return ExitCode.COMPLETE


def _completion(arguments: argparse.Namespace) -> ExitCode:
    import shtab

    print(shtab.complete(_parser(), arguments.shell))
    return ExitCode.COMPLETE


def _list(arguments: argparse.Namespace, told: dict[str, str]) -> None:
    lines = [f"{name:20} {text}" for name, text in told.items()]
    print(json.dumps(told) if arguments.json else "\n".join(lines))


def _place(text: str) -> Path | str:
    """Where a workspace lies: a folder, or an address in a store."""
    if text.lower().startswith("file://"):
        return Path(unquote(urlsplit(text).path))
    return text if is_address(text) else Path(text)


def _path(text: str) -> Path:
    if is_address(text):
        raise argparse.ArgumentTypeError("a path on this machine, please, and no address")
    return Path(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not i/n with 0 <= i < n")
    return int(index), int(count)


class _JsonLines(logging.Formatter):
    """One JSON object a record, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {"time": round(record.created, 3), "level": record.levelname, "message": record.getMessage()}
        return json.dumps(facts | getattr(record, "facts", {}), ensure_ascii=False)


def _start_logging(arguments: argparse.Namespace) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if arguments.json else logging.Formatter("%(message)s"))
    level = logging.WARNING if arguments.quiet else logging.DEBUG if arguments.verbose else logging.INFO
    logger = logging.getLogger("pmc15m")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


if __name__ == "__main__":
    sys.exit(main())
