"""What may happen to a workspace: each kind does one thing to the world, by its random numbers, and says what."""

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.chaos.compare import TABLES, differences, read_rows
from benchmarks.chaos.oddities import put_odd_article
from benchmarks.chaos.world import Process, Violation, World
from pmc15m.demo import Fault, FaultKind
from pmc15m.demo.layout import (
    INVENTORY_PREFIX,
    add_inventory,
    edit_metadata,
    inventory_rows,
    metadata_key,
    put_article,
    read_metadata,
    replace_object,
    withdraw,
)
from pmc15m.demo.store import EPOCH

# A trigger: whether the moment has come.
_Moment = tuple[str, Callable[[], bool]]

_STEPS = ("index", "crawl", "parse", "split", "curate", "export", "report")
_MADE_BY = {  # folder: the step that makes it
    "catalog": "index",
    "raw": "crawl",
    "articles": "parse",
    "figures": "parse",
    "images": "parse",
    "pixels": "split",
    "panels": "split",
    "captions": "curate",
    "duplicates": "curate",
    "caption_groups": "curate",
    "pairs": "curate",
    "export": "export",
    "report": "report",
}


def kill(world: World) -> str:
    """A signal to the parent, the group or a worker of any command, at any moment: it ends, and nothing of it stays."""
    rng = world.rng
    removed = _have_work(world)
    step = "run" if rng.random() < 0.6 or not world.disturbed.exists() else _MADE_BY.get(removed, rng.choice(_STEPS))
    number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
    target = rng.choice(("parent", "group", "worker"))
    workers = 2 if target == "worker" else rng.choice((1, 2))
    process = world.start(step, workers=workers)
    when = _wait(world, process, until_s=15 if step == "run" else 5)
    process.signal(number, target)
    outcome = process.end(is_disturbed=True)
    return f"{_gone(removed)}{number.name} to the {target} of `{step}` x {workers}, {when}: ends with {outcome.code}"


def twice(world: World) -> str:
    """Two signals shortly after each other."""
    rng = world.rng
    removed = _have_work(world)
    process = world.start("run", workers=rng.choice((1, 2)))
    when = _wait(world, process, until_s=15)
    said = []
    for pause in (rng.uniform(0, 0.5), 0):
        number, target = rng.choice((signal.SIGTERM, signal.SIGINT)), rng.choice(("parent", "group"))
        process.signal(number, target)
        said.append(f"{number.name} to the {target}")
        time.sleep(pause)
    outcome = process.end(is_disturbed=True)
    return f"{_gone(removed)}{' and '.join(said)} of `run`, {when}: ends with {outcome.code}"


def network(world: World) -> str:
    """Objects that cannot be had, or not as they are, while a `run` goes to its end."""
    rng = world.rng
    removed = _have_work(world, "raw")
    kinds = [kind for kind in FaultKind if kind is not FaultKind.REPLACED]
    world.server.faults = tuple(
        Fault(
            rng.choice(kinds),
            keys=rng.choice(("PMC[0-9]*", "metadata/*", "*.jpg", "*.xml")),
            probability=rng.choice((0.05, 0.3, 1.0)),
            times=rng.choice((None, 1, 3)),
            seconds=0.3,
        )
        for _ in range(rng.randint(1, 3))
    )
    said = ", ".join(f"{fault.kind}@{fault.keys}={fault.probability}x{fault.times}" for fault in world.server.faults)
    outcome = world.run("run")
    world.server.faults = ()
    return f"{_gone(removed)}`run` with {said}: ends with {outcome.code}"


def second(world: World) -> str:
    """Another command in the same workspace before the first has ended; of two that write, one may be refused."""
    rng = world.rng
    removed = _have_work(world)
    readers, steps = ("verify", "status", "stats", "report"), [_MADE_BY.get(removed, "crawl")]
    first = world.start("run", workers=rng.choice((1, 2)))
    when = _wait(world, first, until_s=6)
    name = rng.choice(("run", "run", *steps, rng.choice(readers)))
    other = world.start(name)
    codes = first.end().code, other.end().code
    return f"{_gone(removed)}`{name}` beside `run`, {when}: {codes[0]} and {codes[1]}"


def update(world: World) -> str:
    """The source changes: articles are replaced, retracted, withdrawn, come back, have a new version."""
    said = [world.rng.choice(_CHANGES)(world) for _ in range(world.rng.randint(1, 3))]
    world.list_anew()
    if world.rng.random() < 0.5:
        world.run("run")
        said.append("`run`")
    return ", ".join(said)


def inventory(world: World) -> str:
    """The source lists less than it has, or lists it wrongly; then it is well again.

    A workspace that knows no better has to believe it, and goes back to no older day: the source's next one tells it.
    """
    rng, bucket = world.rng, world.bucket
    removed = _have_work(world, "catalog") if rng.random() < 0.3 else ""
    knows_better = (world.disturbed / "catalog" / "catalog.parquet").exists()
    before = {key: bucket[key] for key in bucket.keys(INVENTORY_PREFIX)}
    name = rng.choice(sorted(_WRONG_INVENTORIES))
    _WRONG_INVENTORIES[name](world)
    codes = [world.run("run").code for _ in range(rng.randint(1, 2))]
    world.server.faults = ()
    for key in list(bucket.keys(INVENTORY_PREFIX)):
        bucket.delete(key)
    for key, stored in before.items():
        bucket.put(key, stored.body, stored.last_modified)
    if rng.random() < 0.6 or not knows_better:
        world.list_anew()
    return f"{_gone(removed)}{name}; `run` ends with {' and '.join(map(str, codes))}"


def odd(world: World) -> str:
    """Odd articles are published; they must not harm the others, and none may vanish."""
    before = world.root / "before-odd"
    shutil.copytree(world.undisturbed, before)
    made = {}
    for _ in range(world.rng.randint(1, 6)):
        pmcid, what = put_odd_article(world.bucket, world.rng, world.odd, EPOCH)
        made[pmcid] = what
        world.odd += 1
    said = "; ".join(f"{pmcid} {what}" for pmcid, what in made.items())
    try:
        world.list_anew()
    except Violation as violation:
        raise Violation(f"odd articles ({said}): {violation}") from None
    lines = differences(before, world.undisturbed, without=made.keys())
    lines += _unmentioned(world.undisturbed, set(made))
    if lines:
        raise Violation("\n".join([f"odd articles ({said}) change others or vanish:", *lines]))
    shutil.rmtree(before)
    return said


def loss(world: World) -> str:
    """Whole folders go."""
    there = [name for name in _MADE_BY if (world.disturbed / name).is_dir()]
    gone = world.rng.sample(there, min(world.rng.randint(1, 2), len(there)))
    for name in gone:
        shutil.rmtree(world.disturbed / name)
    return f"{' and '.join(gone) or 'nothing'} lost"


def rot_raw(world: World) -> str:
    """Bytes of raw tars and their indexes change or go."""
    return _rot(world, "raw/*.tar", "raw/*.parquet")


def rot_tables(world: World) -> str:
    """Bytes of derived tables change or go."""
    return _rot(world, *(f"{name}/*.parquet" for name in TABLES))


def rot_catalog(world: World) -> str:
    """Bytes of the catalog, the plan, or what was selected change or go."""
    return _rot(world, "catalog/*", "raw/plan/*", "raw/selection", "config.toml")


def rot_exports(world: World) -> str:
    """Bytes of exports change or go."""
    return _rot(world, "export/*/*", "export/*/*/*")


KINDS: dict[str, Callable[[World], str]] = {
    "kill": kill,
    "twice": twice,
    "network": network,
    "second": second,
    "update": update,
    "inventory": inventory,
    "odd": odd,
    "loss": loss,
    "rot-raw": rot_raw,
    "rot-tables": rot_tables,
    "rot-catalog": rot_catalog,
    "rot-exports": rot_exports,
}


def _have_work(world: World, *names: str) -> str:
    """Of a workspace in which all is done, take a folder away that its owner may take away; its name, or nothing."""
    if not (world.disturbed / "report").is_dir():
        return ""
    name = world.rng.choice([name for name in names or _MADE_BY if (world.disturbed / name).is_dir()])
    shutil.rmtree(world.disturbed / name)
    return name


def _gone(removed: str) -> str:
    return f"{removed} removed, " if removed else ""


def _wait(world: World, process: Process, until_s: float) -> str:
    """Wait for a moment: of the clock, of the requests, or of what appears in a folder of the workspace."""
    rng = world.rng
    is_crawled = (world.disturbed / "raw").is_dir()
    said, has_come = rng.choice((_after_seconds, _after_change if is_crawled else _after_requests))(world, until_s)
    while process.is_running and not has_come():
        time.sleep(0.002)
    return f"{said}{'' if process.is_running else ' (it has ended)'}"


def _after_seconds(world: World, until_s: float) -> _Moment:
    seconds = world.rng.uniform(0.05, until_s)
    until = time.monotonic() + seconds
    return f"after {seconds:.1f} s", lambda: time.monotonic() >= until


def _after_requests(world: World, until_s: float) -> _Moment:
    count = world.rng.randint(1, 80)
    until = len(world.server.requests) + count
    return f"after {count} requests", lambda: len(world.server.requests) >= until


def _after_change(world: World, until_s: float) -> _Moment:
    """A moment after something came or went in a folder, among them those of temporary files."""
    lacking = [name for name in _MADE_BY if not (world.disturbed / name).is_dir()] or list(_MADE_BY)
    folder, pause = world.rng.choice(lacking), world.rng.choice((0, world.rng.uniform(0, 0.1)))
    before, since = _names(world.disturbed / folder), [0.0]

    def has_come() -> bool:
        if not since[0] and _names(world.disturbed / folder) != before:
            since[0] = time.monotonic()
        return bool(since[0]) and time.monotonic() >= since[0] + pause

    return f"{pause * 1000:.0f} ms after a change in {folder}", has_come


def _names(folder: Path) -> list[tuple[str, int]]:
    try:
        return sorted((path.name, path.stat().st_mtime_ns) for path in folder.iterdir())
    except OSError:  # not there yet, or a temporary file just gone
        return []


# Changes of the source


def _versions(world: World) -> list[str]:
    """The article versions that are listed, odd ones left out."""
    names = (key.removeprefix("metadata/").removesuffix(".json") for key in world.bucket.keys("metadata/"))
    return [name for name in names if not name.startswith("PMC71")]


def _replace(world: World) -> str:
    version = world.rng.choice(_versions(world))
    keys = [key for key in world.bucket.keys(f"{version}/") if not key.endswith((".json", ".txt", ".pdf"))]
    key = world.rng.choice(keys)
    body = world.bucket[key].read()
    body = body.replace(b"</article-title>", b" revised</article-title>") if key.endswith(".xml") else body + b"\n"
    replace_object(world.bucket, key, body)
    return f"{key} replaced"


def _edit(world: World) -> str:
    version = world.rng.choice(_versions(world))
    change = world.rng.choice(
        ({"is_retracted": True}, {"is_retracted": False}, {"license_code": "CC BY-NC"}, {"doi": "10.9/x"})
    )
    edit_metadata(world.bucket, version, **change)
    return f"{version}: {change}"


def _withdraw(world: World) -> str:
    if len(world.withdrawn) > 2:  # an inventory that lacks many is refused
        return "nothing withdrawn"
    version = world.rng.choice(_versions(world))
    keys = [*world.bucket.keys(f"{version}/"), metadata_key(version)]
    world.withdrawn[version] = {key: world.bucket[key].read() for key in keys}
    withdraw(world.bucket, version)
    return f"{version} withdrawn"


def _come_back(world: World) -> str:
    if not world.withdrawn:
        return "nothing comes back"
    version = world.rng.choice(sorted(world.withdrawn))
    for key, body in world.withdrawn.pop(version).items():
        world.bucket.put(key, body)
    return f"{version} comes back"


def _new_version(world: World) -> str:
    old = world.rng.choice(_versions(world))
    pmcid, _, number = old.partition(".")
    new = f"{pmcid}.{int(number) + 1}"
    if metadata_key(new) in world.bucket or new in world.withdrawn:
        return f"{new} is known"
    bodies = {key.removeprefix(f"{old}/"): world.bucket[key].read() for key in world.bucket.keys(f"{old}/")}
    own = {f"{old}.{suffix}" for suffix in ("xml", "json", "txt", "pdf")}
    facts = {
        name: value for name, value in read_metadata(world.bucket, old).items() if not name.endswith(("_url", "_urls"))
    }
    xml = bodies[f"{old}.xml"].replace(b"</article-title>", b" again</article-title>")
    media = {name: body for name, body in bodies.items() if name not in own}
    put_article(world.bucket, facts | {"version": int(number) + 1}, xml, media=media)
    return f"{new} published"


_CHANGES = (_replace, _edit, _withdraw, _withdraw, _come_back, _come_back, _new_version)


# Inventories


def _newest(world: World, name: str) -> str:
    return max(key for key in world.bucket.keys(INVENTORY_PREFIX) if key.endswith(name))


def _spoil(name: str, *bodies: bytes) -> Callable[[World], None]:
    return lambda world: world.bucket.put(_newest(world, name), world.rng.choice(bodies))


def _listing_only(
    rows_of: Callable[[World, Sequence[tuple[str, str, str, str]]], Sequence[Sequence[str]]],
) -> Callable[[World], None]:
    def list_them(world: World) -> None:
        rows = rows_of(world, inventory_rows(world.bucket))
        add_inventory(world.bucket, world.next_day(), rows=rows)

    return list_them


def _harm_shard(world: World) -> None:
    key = _newest(world, ".csv.gz")
    world.bucket.put(key, HARMS[world.rng.choice(("flip", "cut", "empty"))](world.rng, world.bucket[key].read()))


def _no_manifests(world: World) -> None:
    for key in [key for key in world.bucket.keys(INVENTORY_PREFIX) if key.endswith("manifest.json")]:
        world.bucket.delete(key)


def _faulty(keys: str, *kinds: FaultKind) -> Callable[[World], None]:
    def fault(world: World) -> None:
        world.server.counts.clear()  # what is to happen once happens to the next request
        world.server.faults = (Fault(world.rng.choice(kinds), keys=keys, times=world.rng.choice((1, 2, None))),)

    return fault


_PAGE = b"<!DOCTYPE html><html><body>Service unavailable</body></html>"
_WRONG_INVENTORIES: dict[str, Callable[[World], None]] = {
    "empty": _listing_only(lambda world, rows: []),
    "foreign rows": _listing_only(lambda world, rows: [(*rows[0][:1], "metadata/README.txt", *rows[0][2:])]),
    "half": _listing_only(lambda world, rows: world.rng.sample(rows, len(rows) // 2)),
    "one short": _listing_only(lambda world, rows: world.rng.sample(rows, len(rows) - 1)),
    "checksum": _spoil("manifest.checksum", b"0" * 32, b"", _PAGE),
    "manifest": _spoil("manifest.json", b"", b"{}", _PAGE),
    "shard": _harm_shard,
    "no manifest": _no_manifests,
    "checksum fails": _faulty("*/manifest.checksum", FaultKind.WRONG_BYTES, FaultKind.TRUNCATED, FaultKind.CUT),
    "manifest fails": _faulty("*/manifest.json", FaultKind.WRONG_BYTES, FaultKind.NOT_FOUND, FaultKind.HTML),
    "shard fails": _faulty("*.csv.gz", FaultKind.WRONG_BYTES, FaultKind.CUT, FaultKind.HTML),
    "identifiers fail": _faulty("PMC-ids.csv.gz", FaultKind.NOT_FOUND, FaultKind.CUT, FaultKind.INTERNAL_ERROR),
    "listing fails": _faulty("[?]*", FaultKind.HTML, FaultKind.CUT, FaultKind.INTERNAL_ERROR),
    "nothing answers": _faulty("*", FaultKind.RESET, FaultKind.STALL, FaultKind.FORBIDDEN),
}


# Rot


def _flip(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 9))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _zeros(rng: random.Random, content: bytes) -> bytes:
    """A block that was never written."""
    at = rng.randrange(len(content)) // 512 * 512
    return content[:at] + bytes(len(content[at : at + 512])) + content[at + 512 :]


HARMS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "flip": _flip,
    "cut": lambda rng, content: content[: rng.randrange(len(content))],
    "empty": lambda rng, content: b"",
    "zeros": _zeros,
    "more": lambda rng, content: content + rng.randbytes(rng.choice((1, 700))),
}


def _rot(world: World, *patterns: str) -> str:
    """Harm one to three files of the workspace; it is the undisturbed one's twin where it did not get that far."""
    rng = world.rng
    if not _files(world.disturbed, patterns):
        shutil.rmtree(world.disturbed, ignore_errors=True)
        shutil.copytree(world.undisturbed, world.disturbed)
    files = _files(world.disturbed, patterns)
    said = []
    for path in rng.sample(files, min(rng.randint(1, 3), len(files))):
        harm = rng.choice(("flip", "flip", *HARMS, "lost"))
        if harm == "lost":
            path.unlink()
        else:
            path.write_bytes(HARMS[harm](rng, path.read_bytes()))
        said.append(f"{path.relative_to(world.disturbed)}: {harm}")
    if rng.random() < 0.3:
        said.append(f"`run` ends with {world.run('run').code}")
    return ", ".join(said)


def _files(root: Path, patterns: Sequence[str]) -> list[Path]:
    """Files that hold something."""
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path for path in found if path.is_file() and path.suffix != ".tmp" and path.stat().st_size)


def _unmentioned(root: Path, pmcids: set[str]) -> list[str]:
    """Which of some articles have no row in `raw` or `articles`, or are not whole for no reason."""
    lines = []
    for table in ("raw", "articles"):
        rows = {row["pmcid"]: row for row in read_rows(root, table) if row.get("role", "article") == "article"}
        lines += [f"{table}: {pmcid} is lost" for pmcid in sorted(pmcids - rows.keys())]
        lines += [
            f"{table}: {pmcid} is {rows[pmcid]['status']} for no reason"
            for pmcid in sorted(pmcids & rows.keys())
            if rows[pmcid]["status"] in {"failed", "unusable"} and rows[pmcid]["reason"] is None
        ]
    return lines
