"""A self-contained page: one file, no request, and a policy that lets no script run but its own."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from pmc15m import __version__
from pmc15m.query.output import cell_text, is_number

STYLE, SCRIPT = (Path(__file__).parent / "page" / name for name in ("page.css", "page.js"))


def page(
    title: str, lead: str, sections: Sequence[tuple[str, str, str]], opening: str = "", made_from: str = ""
) -> str:
    """HTML of a page with `sections` of (anchor, heading, content); title, lead and headings are text."""
    style, script = STYLE.read_text(encoding="utf-8"), "\n" + SCRIPT.read_text(encoding="utf-8")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
    links = "".join(f'<li><a href="#{anchor}">{anchor.capitalize()}</a></li>' for anchor, _, _ in sections)
    body = "\n".join(
        f'<section id="{anchor}" aria-labelledby="{anchor}-heading">\n'
        f'<h2 id="{anchor}-heading">{escape(heading)}</h2>\n{content}\n</section>'
        for anchor, heading, content in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="{escape(f"pmc15m {__version__} {made_from}".strip())}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div><h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>{opening}</div></header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main id="main">
{body}
</main>
<footer>Articles, captions and pictures belong to their authors; each under the licence that stands with it.</footer>
<script>{script}</script>
</body>
</html>
"""


def table(answer: pa.Table, *, here: str = "", heads: Mapping[str, str] = MappingProxyType({})) -> str:
    """An answer as an HTML table; the column `here` stands out, `heads` name columns otherwise than the answer."""
    marks = [" ".join(["number"] * is_number(field.type) + ["here"] * (field.name == here)) for field in answer.schema]
    head = "".join(
        f'<th class="{mark}">{escape(heads.get(name, name.replace("_", " ")))}</th>'
        for name, mark in zip(answer.schema.names, marks, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{mark}">{escape(cell_text(value))}</td>'
            for value, mark in zip(row.values(), marks, strict=True)
        )
        + "</tr>"
        for row in answer.to_pylist()
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
