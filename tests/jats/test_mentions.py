"""Traps 51 to 58: mentions in the running text."""

import pytest

from pmc15m.jats import Mention, MentionBasis, MentionOrigin
from pmc15m.jats.sentences import Sentences
from tests.jats.made import fig, graphic, plain_fig, read

FIGURES = "".join(plain_fig(number) for number in range(1, 6))


def xref(rid: str, words: str, kind: str = "fig") -> str:
    return f'<xref ref-type="{kind}" rid="{rid}">{words}</xref>'


def mentions(body: str, after: str = "") -> dict[str, list[Mention]]:
    """Mentions by figure id in an article with Figures 1 to 5."""
    return {f.figure_id: list(f.mentions) for f in read(body + FIGURES, after=after).figures}


def cited(body: str) -> dict[str, list[tuple[MentionBasis, tuple[str, ...]]]]:
    """The figures that a paragraph cites: how found, and which panels."""
    return {i: [(m.basis, m.panels) for m in found] for i, found in mentions(f"<p>{body}</p>").items() if found}


EXPLICIT, EXPANDED, IN_WORDS = MentionBasis.EXPLICIT, MentionBasis.EXPANDED, MentionBasis.EXPANDED_TEXT


def test_trap_51_the_paragraph_and_the_sentence_around_a_nested_xref() -> None:
    body = (
        "<sec><title>Results</title><sec><title>In mice</title>"
        f"<p>First one. As <italic>shown in <sup>{xref('F1', 'Fig. 1')}</sup></italic> by al. it grows. Last.</p>"
        "</sec></sec>"
    )
    (mention,) = mentions(body)["F1"]
    assert mention.paragraph == "First one. As shown in Fig. 1 by al. it grows. Last."
    assert mention.sentence == "As shown in Fig. 1 by al. it grows."
    assert mention.section_path == ("Results", "In mice")
    assert (mention.origin, mention.basis) == (MentionOrigin.TEXT, EXPLICIT)


def test_trap_52_several_ids_in_one_xref() -> None:
    assert cited(xref("F1 F3", "Figures 1 and 3")) == {"F1": [(EXPLICIT, ())], "F3": [(EXPLICIT, ())]}


@pytest.mark.parametrize("joiner", ["–", "-", " to ", "\u2009—\u2009", " through ", " a ", " até "])
def test_trap_53_a_range_of_two_xrefs(joiner: str) -> None:
    found = cited(f"(Figs {xref('F1', '1')}{joiner}{xref('F4', '4')})")
    assert found == {"F1": [(EXPLICIT, ())], "F2": [(EXPANDED, ())], "F3": [(EXPANDED, ())], "F4": [(EXPLICIT, ())]}


@pytest.mark.parametrize("joiner", [" and ", ", ", "; ", " versus "])
def test_trap_53_a_list_is_no_range(joiner: str) -> None:
    assert set(cited(f"Figs {xref('F1', '1')}{joiner}{xref('F4', '4')}")) == {"F1", "F4"}


@pytest.mark.parametrize(
    ("words", "others"),
    [("Figs 1–3", {"F2", "F3"}), ("Figures 1, 4 and 5", {"F4", "F5"}), ("Fig. 1", set()), ("Figs 1A–C", set())],
)
def test_trap_53_a_range_in_the_words_of_one_xref(words: str, others: set[str]) -> None:
    assert cited(xref("F1", words)).keys() == {"F1"} | others
    assert all(cited(xref("F1", words))[other] == [(IN_WORDS, ())] for other in others)


def test_trap_53_supplements_are_a_series_of_their_own() -> None:
    supplements = "".join(
        fig(f"<label>Figure 2—figure supplement {n}.</label>{graphic(f's{n}')}", f"F2s{n}") for n in range(1, 5)
    )
    body = f"<p>{xref('F2s1', 'Figure 2—figure supplement 1')}–{xref('F2s3', '3')}</p>"
    found = {f.figure_id for f in read(body + FIGURES + supplements).figures if f.mentions}
    assert found == {"F2s1", "F2s2", "F2s3"}


def test_trap_54_a_range_of_panels_adds_no_figure() -> None:
    assert cited(f"{xref('F3', 'Figs. 3A')}–{xref('F3', '3C')}") == {"F3": [(EXPLICIT, ("A",)), (EXPLICIT, ("B", "C"))]}


@pytest.mark.parametrize(
    ("text", "panels"),
    [
        (xref("F2", "Figure 2A"), "A"),
        (xref("F2", "Fig. 2B,C"), "BC"),
        (xref("F2", "2a–d"), "ABCD"),
        (xref("F2", "Fig. 2 (a, b and d)"), "ABD"),
        (xref("F2", "Fig. 2(a)(c)"), "AC"),
        (f"{xref('F2', 'Figure 2')} A,D.", "AD"),
        (f"{xref('F2', 'Figure 2')}A–C)", "ABC"),
        (f"{xref('F2', 'Figure 2A')}, B and C).", "ABC"),
        (f"{xref('F2', 'Figure 2')} a.", "A"),
        (f"{xref('F2', 'Figure 2')} A total of", ""),
        (f"{xref('F2', 'Figure 2')} a small one", ""),
        (f"{xref('F2', 'Figure 2A')} and B cells", "A"),
        (f"{xref('F2', 'Figure 2')} shows", ""),
        (f"{xref('F2', 'Figure 2')}, DNA", ""),
    ],
)
def test_trap_55_panels_within_the_xref_and_after_it(text: str, panels: str) -> None:
    assert cited(text) == {"F2": [(EXPLICIT, tuple(panels))]}


def test_trap_56_the_id_of_a_group_means_all_its_figures() -> None:
    group = (
        f'<fig-group id="g"><caption><p>C.</p></caption>{fig(graphic("a"), "Ga")}{fig(graphic("b"), "Gb")}</fig-group>'
    )
    found = {f.figure_id: len(f.mentions) for f in read(f"<p>{xref('g', 'Fig. 9')}</p>{group}").figures}
    assert found == {"Ga": 1, "Gb": 1}


def test_trap_57_mentions_outside_the_running_text_keep_their_origin() -> None:
    see = f"<p>See {xref('F1', 'Fig. 1')}.</p>"
    found = mentions(
        fig(f"<caption>{see}</caption>{graphic('x')}", "FX")
        + f"<table-wrap><table><tr><td>{xref('F1', 'Fig. 1')}</td></tr></table></table-wrap>"
        + f"<supplementary-material><caption>{see}</caption></supplementary-material>"
        + f"<boxed-text>{see}</boxed-text>",
        after=f"<floats-group><boxed-text>{see}</boxed-text></floats-group>"
        f"<sub-article article-type='reply'><body>{see}</body></sub-article>",
    )
    assert [m.origin for m in found["F1"]] == [
        MentionOrigin.CAPTION,
        MentionOrigin.TABLE,
        MentionOrigin.SUPPLEMENT,
        MentionOrigin.TEXT,
        MentionOrigin.FLOATS,
        MentionOrigin.SUB_ARTICLE,
    ]


def test_trap_58_an_xref_to_nothing_is_counted_and_plain_words_are_not() -> None:
    article = read(
        f"<p>{xref('F99', 'Fig. 99')}, {xref('B1', '1', 'bibr')}, Fig. 2, {xref('F1', 'Fig. 1', 'other')}</p>{FIGURES}"
    )
    assert article.n_dangling_mentions == 1
    assert [f.figure_id for f in article.figures if f.mentions] == ["F1"]  # whatever its ref-type


def test_a_mention_within_a_formula_or_float_does_not_shift_the_others() -> None:
    inner = fig(f"<caption><p>Inner {xref('F1', 'Fig. 1')}.</p></caption>{graphic('x')}", "FX")
    found = mentions(f"<p>Before {inner} after {xref('F2', 'Fig. 2B')}.</p>")
    assert [(m.paragraph, m.panels) for m in found["F2"]] == [("Before after Fig. 2B.", ("B",))]
    assert [m.paragraph for m in found["F1"]] == ["Inner Fig. 1."]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One (Fig. 1) grows. Two.", "One (Fig. 1) grows."),
        ("It was p = 0.05 here. See Fig. 1. Then.", "See Fig. 1."),
        ("By Smith et al. 2019 and J. Doe (cf. Fig. 1). Next.", "By Smith et al. 2019 and J. Doe (cf. Fig. 1)."),
        ("Old cells.12 New cells in Fig. 1 grow.3,4 Last.", "New cells in Fig. 1 grow.3,4"),
        ("Is it so? Yes (Fig. 1)! No.", "Yes (Fig. 1)!"),
        ("Fig. 1", "Fig. 1"),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    start = text.index("Fig. 1")
    assert Sentences(text).around(start, start + len("Fig. 1")) == sentence
