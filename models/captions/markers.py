"""What is a panel's marker in a caption (`captions.json`), learned from labels that publishers set in bold.

    python -m models captions SILVER.jsonl.gz --leave-out ARTICLES_DIR --out FILE

Logistic regression (L2, Newton's method) over the candidates of `find_candidates`, with the publisher's bold taken
away: positive where the publisher set a label, negative elsewhere. Articles that lie in ARTICLES_DIR are left out, and
every fifth article is held back for the report, which is printed before the weights of all articles are written.
"""

import argparse
import gzip
import json
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from models.captions.logistic import as_json, fit_logistic
from pmc15m.figures.captions.markers import find_candidates, plain
from pmc15m.figures.captions.readings import Reading, log_odds, read
from pmc15m.figures.captions.series import choose

RARE = 8  # a feature seen less often gets no weight
RIDGE = 1.0
LEADING = (
    ("(", ")"),
    ("", ") "),
    ("", ": "),
    ("", ". "),
    ("", ", "),
    ("[", "] "),
    ("Panel ", " "),
    ("", " "),
    ("(", ")"),
)
RENAMES = (str, str, str.upper, str.upper, str.lower, str.lower, lambda x: f"2{x}", lambda x: str(ord(x.lower()) - 96))
TRAILING = (("(", ")"), ("[", "]"), ("(panel ", ")"), ("(", ")"), ("", ""), ("(red, ", ")"), ("(Fig. 2; ", ")"))


def restyled(record: dict[str, Any]) -> dict[str, Any]:
    """The same caption with its markers set in another way, chosen by its text: silver is nearly all "(A)".

    Only captions whose markers all stand in round brackets are rewritten; what leads a sentence may lose them.
    """
    caption, markers = record["caption"], record["markers"]
    if not all(caption[a - 1 : a] == "(" and caption[b : b + 1] == ")" for a, b, _ in markers):
        return record
    followed = all(re.match(r"\)\s+\w", caption[b:]) for _, b, _ in markers)
    leads = followed and all(
        re.search(r"(?:^|[.;:]\s*|,\s+|\band\s+|\b(?:of|for|in|at)\s+)\($", caption[:a]) for a, _, _ in markers
    )
    chance = zlib.crc32(caption.encode())
    styles = LEADING if leads else TRAILING
    before, after = styles[chance // 7 % len(styles)]
    rename = RENAMES[chance // 101 % len(RENAMES)]
    if not all(len(label) == 1 and label.isalpha() for _, _, labels in markers for label in labels):
        rename = str
    joint = ("–", "-", " to ")[chance // 1009 % 3]
    loose = chance // 13 % 3 == 0  # what follows a label need not begin with a capital, nor what precedes it end
    pieces, spans, at, length = [], [], 0, 0
    for a, b, labels in markers:
        named = [rename(label) for label in labels]
        ranks = [ord(label[-1]) for label in labels]
        following = len(named) > 2 and ranks == list(range(ranks[0], ranks[0] + len(ranks)))
        written = f"{named[0]}{joint}{named[-1]}" if following else ", ".join(named)
        if len(named) == 2:
            written = f"{named[0]}{(', ', ' and ')[joint == ' to ']}{named[1]}"
        kept = caption[at : a - 1]
        kept = (kept.rstrip(" .") + "; " if loose and leads and at and kept.endswith(". ") else kept) + before
        pieces += [kept, written, after]
        spans.append(
            [length + len(kept), length + len(kept) + len(written), [x[-1:] if x[-1:].isalpha() else x for x in named]]
        )
        length += len(kept) + len(written) + len(after)
        at = b + 1 + (after.endswith(" ") and caption[b + 1 : b + 2] == " ")
        if leads and after != ") ":
            word = re.match(r"\s*[A-Za-z](?![A-Z])", caption[at:])
            if word and (loose or after in (". ", " ")):
                pieces.append(word[0].strip().lower() if loose and after != " " else word[0].strip().upper())
                length += 1
                at += len(word[0])
    return record | {"caption": "".join(pieces) + caption[at:], "markers": spans}


def numbered(record: dict[str, Any]) -> dict[str, Any]:
    """The same caption with its single letters numbered: "(A1–A3)" or "(A1, A2)" for "(A)"."""
    caption, pieces, spans, at, length = record["caption"], [], [], 0, 0
    joint, count = (("–", 3), (", ", 2), ("-", 4), (") then (", 2))[zlib.crc32(caption.encode()) // 3 % 4]
    for a, b, labels in record["markers"]:
        single = len(labels) == 1 and len(labels[0]) == 1 and labels[0].isalpha() and b - a == 1
        written = f"{caption[a:b]}1{joint}{caption[a:b]}{count}" if single else caption[a:b]
        pieces += [caption[at:a], written]
        length += len(caption[at:a])
        spans.append(
            [length, length + len(written), [f"{caption[a:b]}{k + 1}" for k in range(count)] if single else labels]
        )
        length += len(written)
        at = b
    return record | {"caption": "".join(pieces) + caption[at:], "markers": spans}


def distracted(record: dict[str, Any]) -> dict[str, Any]:
    """The same caption with letters put in that name no panels, the next of its series where that can be."""
    caption, markers = record["caption"], record["markers"]
    chance = zlib.crc32(caption.encode())
    last = record["labels"][-1]
    letter = chr(ord(last) + 1) if len(last) == 1 and last.isalpha() and last not in "zZ" else "C"
    before = markers[len(markers) // 2][0] - 2  # behind the last one it would look like the next panel
    words = [
        m.end()
        for m in re.finditer(r"(?<![\w(-])[a-zA-Z][a-z]{3,}(?= [a-z])", caption[: max(0, before)])
        if all(m.end() < a - 2 or m.start() > b + 2 for a, b, _ in markers)
    ]
    at = words[chance // 17 % len(words)] if words else len(caption)
    initial = caption[caption.rfind(" ", 0, at) + 1 : at][:1]
    initial = initial.upper() if letter.isupper() else initial.lower()
    kind = chance // 5 % 8
    if kind < 3 and words and initial.isalpha() and initial not in {x for _, _, labels in markers for x in labels}:
        put = f" ({initial})"
    else:
        at = len(caption.rstrip())
        stop = "" if caption.rstrip()[-1:] in ".!?" else "."
        low = letter.lower()
        put = (
            stop
            + (
                f" Abbreviations: AC, atrial canal; {low}, canal; HD, horizontal duct.",
                f" Bars with different letters (a–{low}) differ (p < 0.05).",
                f" a,b and x,y tell which groups differ, a–{low} which sexes (p < 0.05).",
                f" Values marked a, b, and {low} are significantly different.",
                f" They were found at the neck (a and {chr(ord(low) + 1)}), the wrist (b) and the foot ({low} and z).",
                f" Samples were kept for 2 h and 8 {low}, and dried",
                f" {letter}, canal; {chr(ord(letter) + 1)}, duct; WT, wild type; KO, knock-out.",
                f" EUR, Europe; {letter}, control; US, United States.",
            )[chance // 97 % 8]
        )
    moved = [[a + len(put), b + len(put), x] if a >= at else [a, b, x] for a, b, x in markers]
    return record | {"caption": caption[:at] + put + caption[at:], "markers": moved}


def versions(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A caption, in another style, with letters that name no panels, and for some with numbered letters."""
    styled = restyled(record)
    chance = zlib.crc32(record["caption"].encode())
    if chance % 8 == 0:
        return [record, numbered(styled)]
    return [distracted(record) if chance % 4 == 1 else record, distracted(styled) if chance % 4 == 2 else styled]


def examples(record: dict[str, Any]) -> list[tuple[Reading, bool]]:
    """Readings of a caption, and whether the publisher marked them."""
    text = plain(record["caption"])
    spans = record["markers"]
    out = []
    for reading in read(text, find_candidates(text)):
        a, b = reading.candidate.inner
        marked = {label for start, end, labels in spans if start < b and a < end for label in labels}
        out.append((reading, bool(marked & {label.text for label in reading.labels})))
    return out


def fit(data: list[tuple[Reading, bool]]) -> dict[str, float]:
    """Feature weights, and the bias. Examples with the same features are one row that counts as often."""
    counts = Counter(f for reading, _ in data for f in set(reading.features))
    names = sorted(f for f, n in counts.items() if n >= RARE)
    column = {name: i for i, name in enumerate(names)}
    alike = Counter(
        (tuple(sorted(column[f] for f in set(reading.features) if f in column)), positive) for reading, positive in data
    )
    traits = np.zeros((len(alike), len(names)), np.float32)
    for row, (columns, _) in enumerate(alike):
        traits[row, list(columns)] = 1
    truth = np.array([positive for _, positive in alike], np.float64)
    w = fit_logistic(traits, truth, RIDGE, np.array(list(alike.values()), np.float64))
    return {name: float(v) for name, v in zip(["bias", *names], w, strict=True)}


def accuracy(weights: dict[str, float], data: list[tuple[Reading, bool]]) -> float:
    """Share of readings on the right side of even odds."""
    return float(np.mean([(log_odds(reading, weights) > 0) == positive for reading, positive in data]))


def exact(weights: dict[str, float], records: list[dict[str, Any]]) -> float:
    """Share of captions whose labels are all found and no others, compared without case."""
    right = 0
    for record in records:
        text = plain(record["caption"])
        choice = choose(read(text, find_candidates(text)), weights)
        found = {label.casefold() for label in choice.labels} if choice else set()
        right += found == {label.casefold() for label in record["labels"]}
    return right / len(records)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("silver", type=Path)
    parser.add_argument("--leave-out", type=Path, help="folder whose article folders are left out")


def train(args: argparse.Namespace) -> bytes:
    left_out = {p.name for p in args.leave_out.iterdir()} if args.leave_out else set()
    with gzip.open(args.silver, "rt", encoding="utf-8") as lines:
        records = [r for r in map(json.loads, lines) if r["pmcid"] not in left_out]
    print(f"{len(records)} captions of {len({r['pmcid'] for r in records})} articles")
    fold = {r["pmcid"]: zlib.crc32(r["pmcid"].encode()) % 5 for r in records}
    taught, held = (
        [e for r in records if (fold[r["pmcid"]] == 0) is back for version in versions(r) for e in examples(version)]
        for back in (False, True)
    )
    trial = fit(taught)
    back = [r for r in records if fold[r["pmcid"]] == 0]
    print(f"held-back articles: {accuracy(trial, held):.4f} of {len(held)} readings right")
    print(f"held-back articles: {exact(trial, back):.4f} of {len(back)} captions with exactly the right labels")
    return as_json(fit(taught + held))
