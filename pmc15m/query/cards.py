"""The gallery as HTML: a card a figure, with boxes and sub-captions, and the facets to filter by."""

import re
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


_GROUPS = ("licence", "kind", "modality", "split into", "year", "set", "flag")


class _Facets:
    """What can be chosen: (group, value) pairs with their numbers, as the script knows them."""

    def __init__(self, shown: Sequence[Exhibit]) -> None:
        self._counts = Counter(facet for one in shown for facet in _facets_of(one.facts))
        order = {group: n for n, group in enumerate(_GROUPS)}
        self._numbers = {
            facet: n for n, facet in enumerate(sorted(self._counts, key=lambda f: (order[f[0]], *self._place(f))))
        }

    def _place(self, facet: tuple[str, str]) -> tuple[int, str]:
        """Years and numbers of panels in their own order, everything else by how often it occurs."""
        ordered = facet[0] in ("split into", "year")
        return (0 if ordered else -self._counts[facet], facet[1])

    def of(self, facts: Row) -> str:
        return " ".join(str(self._numbers[facet]) for facet in _facets_of(facts))

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


def _facets_of(facts: Row) -> list[tuple[str, str]]:
    panels = facts["n_panels"] or 0
    sizes = "1 panel" if panels < 2 else "2–4 panels" if panels < 5 else "5–8 panels" if panels < 9 else "9 or more"
    found: list[tuple[str, Any]] = [
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
    caption = facts["caption"] or ""
    about = [facts["journal"], facts["year"], facts["licence_code"]]
    chips = [
        facts["kind"],
        facts["status"],
        f"{facts['width']} × {facts['height']} px" if facts["width"] else None,
        facts["split"],
        *(facts["flags"] or ()),
    ]
    shown_chips = "".join(f"<li>{escape(str(chip).replace('_', ' '))}</li>" for chip in chips if chip)
    return f"""<article class="box card" data-facets="{facets.of(facts)}">
<div class="picture">{_picture(one)}</div>
<div class="body"><h3>{escape((facts["label"] or "Figure").rstrip(".:"))} of {article_link(facts["pmcid"])}</h3>
<p class="meta">{" · ".join(escape(str(fact)) for fact in about if fact)}</p>
<details><summary>{escape(caption)}</summary></details>
{_panel_list(facts["panels"])}
<ul class="chips">{shown_chips}</ul></div>
</article>"""


def _picture(one: Exhibit) -> str:
    if one.thumbnail is None:
        return '<p class="missing">The picture is not in this workspace.</p>'
    width, height = one.size
    scale = width / one.facts["width"] if one.facts["width"] else 1.0
    boxes = "".join(_box(n, panel, scale) for n, panel in enumerate(one.facts["panels"])) if _is_compound(one) else ""
    alternative = escape(f"{one.facts['label'] or 'Figure'} of {one.facts['pmcid']}")
    return (
        f'<div class="frame" style="--ratio:{width / height:.4f}"><img src="{one.thumbnail}" alt="{alternative}">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{boxes}</svg></div>'
    )


def _is_compound(one: Exhibit) -> bool:
    return len(one.facts["panels"]) > 1


def _box(number: int, panel: Row, scale: float) -> str:
    box = panel["box"]
    if box is None:
        return ""
    x, y = box["x0"] * scale, box["y0"] * scale
    width, height = (box["x1"] - box["x0"]) * scale, (box["y1"] - box["y0"]) * scale
    name = escape(panel["label"] or str(number + 1))
    tag = 8 + 7 * len(panel["label"] or str(number + 1))
    return (
        f'<g data-panel="{number}">'
        f'<rect class="edge" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        f'<rect class="tag" x="{x + width - tag:.1f}" y="{y:.1f}" width="{tag}" height="15"/>'
        f'<text x="{x + width - tag / 2:.1f}" y="{y + 8:.1f}">{name}</text></g>'
    )


def _panel_list(panels: Sequence[Row]) -> str:
    lines = []
    for number, panel in enumerate(panels):
        if not panel["subcaption"] or len(panels) < 2:
            continue
        score = "" if panel["score"] is None else f'<small title="alignment">{panel["score"]:.2f}</small>'
        lines.append(
            f'<li data-panel="{number}" tabindex="0"><b>{escape(panel["label"] or str(number + 1))}</b>'
            f"<span>{escape(panel['subcaption'])}</span>{score}</li>"
        )
    return f'<ul class="panels">{"".join(lines)}</ul>' if lines else ""
