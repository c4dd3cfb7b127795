"""Figures and pairs as HTML: a card each, with boxes and texts, and the facets to filter figures by."""

import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from pmc15m.query.gallery import Exhibit, Row

_PMCID = re.compile(r"PMC\d{1,11}", re.ASCII)  # longer: not in PMC (sources.names)


def gallery_section(shown: Sequence[Exhibit]) -> str:
    """Facets and cards; every figure is there before any script runs."""
    facets = _Facets(shown)
    return "\n".join([facets.form(), '<div class="cards">', *(_card(one, facets) for one in shown), "</div>"])


def article_link(pmcid: str) -> str:
    """The PMCID, as a link to the article where it is one."""
    text = escape(pmcid)
    return f'<a href="https://pmc.ncbi.nlm.nih.gov/articles/{text}/">{text}</a>' if _PMCID.fullmatch(pmcid) else text


def pairs_section(shown: Sequence[Exhibit]) -> str:
    """A card a pair: the picture or crop, the text, the text in its context."""
    return "\n".join(['<div class="cards">', *map(_pair_card, shown), "</div>"])


_GROUPS = ("chosen", "outcome", "licence", "kind", "modality", "split into", "year", "set", "flag")
_SHORT = 420  # characters of a caption that are shown without a click
_OPEN = 600  # characters of all panels' texts that are


class _Facets:
    """What can be chosen: (group, value) pairs with their numbers, as the script knows them."""

    def __init__(self, shown: Sequence[Exhibit]) -> None:
        self._counts = Counter(facet for one in shown for facet in _facets_of(one))
        order = {group: n for n, group in enumerate(_GROUPS)}
        self._numbers = {
            facet: n for n, facet in enumerate(sorted(self._counts, key=lambda f: (order[f[0]], *self._place(f))))
        }

    def _place(self, facet: tuple[str, str]) -> tuple[int, str]:
        """Years and numbers of panels in their own order, everything else by how often it occurs."""
        ordered = facet[0] in ("split into", "year")
        return (0 if ordered else -self._counts[facet], facet[1])

    def of(self, one: Exhibit) -> str:
        return " ".join(str(self._numbers[facet]) for facet in _facets_of(one))

    def form(self) -> str:
        groups: dict[str, list[str]] = {}
        for (group, value), number in self._numbers.items():
            button = (
                f'<button type="button" aria-pressed="false" data-group="{escape(group)}" data-facet="{number}">'
                f"{escape(value)}<span>{self._counts[group, value]}</span></button>"
            )
            groups.setdefault(group, []).append(button)
        fields = [
            f"<fieldset><legend>{escape(group)}</legend>{''.join(buttons)}</fieldset>"
            for group, buttons in groups.items()
            if len(buttons) > 1
        ]
        bar = (
            '<div class="bar"><input id="search" type="search" placeholder="Words in captions" '
            'aria-label="Words in captions (press / to search)"><button type="button" id="clear">Show all</button>'
            '<output id="shown" aria-live="polite"></output></div>'
        )
        return f'<div class="box facets js-only" role="search">{bar}{"".join(fields)}</div>'


def _facets_of(one: Exhibit) -> list[tuple[str, str]]:
    facts = one.facts
    panels = facts["n_panels"] or 0
    sizes = "1 panel" if panels < 2 else "2–4 panels" if panels < 5 else "5–8 panels" if panels < 9 else "9 or more"
    found: list[tuple[str, Any]] = [
        ("chosen", one.chosen),
        ("outcome", facts["status"]),
        ("licence", facts["licence_group"]),
        ("kind", facts["kind"]),
        *(("modality", modality) for modality in facts["modalities"] or ()),
        ("split into", sizes),
        ("year", facts["year"] and f"{facts['year'] // 5 * 5}–{facts['year'] // 5 * 5 + 4}"),
        ("set", facts["split"]),
        *(("flag", flag) for flag in facts["flags"] or ()),
    ]
    if facts["is_duplicate"]:
        found.append(("flag", "duplicate"))
    return [(group, value.replace("_", " ")) for group, value in found if value]


def _card(one: Exhibit, facets: _Facets) -> str:
    facts = one.facts
    size = f"{facts['width']} × {facts['height']} px" if facts["width"] else None
    chips = [facts["kind"], facts["status"], size, facts["split"], *(facts["flags"] or ())]
    mentions = facts["n_mentions"]
    mentioned = f"mentioned {mentions} times" if mentions > 1 else "mentioned once" if mentions else ""
    return f"""<article class="box card" data-facets="{facets.of(one)}">
{_picture(one)}
<div class="body"><h3>{_title(facts)}</h3>
{_about(facts)}
{_reason(facts)}
{folded(facts["caption"] or "")}
{_panel_list(facts["panels"])}
{_mention(mentioned, facts["mention"])}
{_chips(chips)}</div>
</article>"""


def _pair_card(one: Exhibit) -> str:
    facts = one.facts
    score = facts["alignment_score"]
    certainty = None if score is None else f"certainty {score:.2f}"
    words = f"{facts['n_words']} words"
    context = f'<p class="context"><b>In context:</b> {escape(facts["context"])}</p>' if facts["context"] else ""
    chips = [facts["level"], facts["image_kind"], facts["split"], words, certainty, *(facts["modalities"] or ())]
    return f"""<article class="box card">
{_picture(one)}
<div class="body"><h3>{_title(facts)}</h3>
{_about(facts)}
<p class="text">{escape(facts["text"])}</p>
{context}
{_chips(chips)}</div>
</article>"""


def _title(facts: Row) -> str:
    return f"{escape((facts['label'] or 'Figure').rstrip('.:'))} of {article_link(facts['pmcid'])}"


def _about(facts: Row) -> str:
    about = " · ".join(escape(str(fact)) for name in ("journal", "year", "licence_code") if (fact := facts[name]))
    return f'<p class="meta">{about}</p>'


def _reason(facts: Row) -> str:
    """Why the panels have no words, or why there is no panel."""
    if not facts["reason"]:
        return ""
    return f'<p class="why">{escape(facts["status"] or "")}: {escape(facts["reason"])}</p>'.replace("_", " ")


def _chips(chips: Sequence[str | None]) -> str:
    shown = "".join(f"<li>{escape(chip.replace('_', ' '))}</li>" for chip in chips if chip)
    return f'<ul class="chips">{shown}</ul>'


def folded(text: str, short: int = _SHORT) -> str:
    """A text, the rest of one of more than `short` characters behind a click."""
    if len(text) <= short:
        return f'<p class="text">{escape(text)}</p>'
    start = textwrap.shorten(text[:short], short - 20, placeholder="") or text[: short - 20]
    return (
        f'<details class="text"><summary><span class="start">{escape(start)} …</span> <u>all of it</u></summary>'
        f"<p>{escape(text)}</p></details>"
    )


def _mention(mentioned: str, sentence: str | None) -> str:
    if not mentioned:
        return ""
    return f"<details><summary>{mentioned} in the text</summary><p>{escape(sentence or '')}</p></details>"


def _picture(one: Exhibit) -> str:
    if one.picture is None:
        return '<div class="picture"><p class="missing">The picture is not in this workspace.</p></div>'
    width, height = one.size
    panels = one.facts.get("panels", ())
    scale = width / one.facts["width"] if panels and one.facts["width"] else 1.0
    boxes = "".join(_box(n, panel, scale, max(one.size) / 26) for n, panel in enumerate(panels)) if panels[1:] else ""
    name = escape(f"{one.facts['label'] or 'Figure'} of {one.facts['pmcid']}")
    return (
        f'<div class="picture"><button type="button" class="frame" style="--ratio:{width / height:.4f}" '
        f'aria-label="Enlarge {name}"><img src="{one.picture}" width="{width}" height="{height}" alt="{name}">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{boxes}</svg></button></div>'
    )


def _box(number: int, panel: Row, scale: float, letter: float) -> str:
    box = panel["box"]
    x, y = box["x0"] * scale, box["y0"] * scale
    width, height = (box["x1"] - box["x0"]) * scale, (box["y1"] - box["y0"]) * scale
    name = panel["label"] or str(number + 1)
    tag = letter * (0.5 + 0.62 * len(name))
    style = "" if panel["status"] == "ok" else ' class="dropped"'
    return (
        f'<g data-panel="{number}"{style}>'
        f'<rect class="edge" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        f'<rect class="tag" x="{x + width - tag:.1f}" y="{y:.1f}" width="{tag:.1f}" height="{letter * 1.25:.1f}"/>'
        f'<text x="{x + width - tag / 2:.1f}" y="{y + letter * 0.66:.1f}" font-size="{letter:.1f}">'
        f"{escape(name)}</text></g>"
    )


def _panel_list(panels: Sequence[Row]) -> str:
    """The panels of a compound picture: each with its words and certainty, or with why it has none."""
    if len(panels) < 2:
        return ""
    if not any(panel["subcaption"] for panel in panels):
        return f'<p class="meta">{len(panels)} panels without words of their own</p>'
    lines, length = [], 0
    for number, panel in enumerate(panels):
        if panel["status"] == "ok":
            words, style = escape(panel["subcaption"] or ""), ""
        else:
            words, style = f"<em>{escape(panel['reason'] or '').replace('_', ' ')}</em>", ' class="dropped"'
        score = "" if panel["score"] is None else f'<small title="certainty">{panel["score"]:.2f}</small>'
        name = escape(panel["label"] or str(number + 1))
        lines.append(f'<li data-panel="{number}" tabindex="0"{style}><b>{name}</b><span>{words}</span>{score}</li>')
        length += len(words)
    is_open = " open" if length <= _OPEN else ""
    return (
        f"<details{is_open}><summary>{len(panels)} panels and their words</summary>"
        f'<ul class="panels">{"".join(lines)}</ul></details>'
    )
