"""The running text of an article, and where its figures and their citations stand in it."""

from pmc15m.jats import Article, Block, BlockKind, parse_article
from tests.jats.made import plain_fig, xml


def body(*arguments: str, **parts: str) -> Article:
    return parse_article(xml(*arguments, **parts), body=True)


def told(article: Article) -> list[str]:
    """Every block in a few words."""
    return [f"<{block.figure}>" if block.kind is BlockKind.FIGURE else block.text for block in article.body]


def cited(block: Block) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(block.text[each.start : each.end], each.figure, each.panels) for each in block.citations]


def cite(rid: str, words: str) -> str:
    return f'<xref ref-type="fig" rid="{rid}">{words}</xref>'


def test_title_abstract_body_and_back_matter_follow_one_another() -> None:
    article = body(
        "<sec><label>1</label><title>Methods</title><p>Cells.</p><list><list-item><p>One.</p></list-item></list></sec>",
        meta="<title-group><article-title>On cells</article-title></title-group><abstract><p>Short.</p></abstract>",
        back="<back><ack><p>Thanks.</p></ack><ref-list><ref><source>A book.</source></ref></ref-list></back>",
        after="<sub-article><body><p>Another article.</p></body></sub-article>",
    )
    assert told(article) == ["On cells", "Short.", "Methods", "Cells.", "One.", "Thanks."]
    kinds = [block.kind for block in article.body]
    assert kinds == [BlockKind.TITLE, BlockKind.PARAGRAPH, BlockKind.HEADING, *[BlockKind.PARAGRAPH] * 3]


def test_a_figure_stands_where_its_element_does_also_within_a_paragraph() -> None:
    article = body(f"<p>Before {plain_fig(1)} it.</p><p>Between.</p>{plain_fig(2)}<p>After.</p>")
    assert told(article) == ["Before it.", "<1>", "Between.", "<2>", "After."]


def test_what_floats_follows_the_first_block_that_cites_it_and_else_comes_last() -> None:
    floating = f"<floats-group>{plain_fig(1)}{plain_fig(2)}{plain_fig(3)}</floats-group>"
    article = body(f"<p>As {cite('F2', 'Fig. 2')} shows.</p><p>And {cite('F2', 'Fig. 2')} again.</p>", after=floating)
    assert told(article) == ["As Fig. 2 shows.", "<2>", "And Fig. 2 again.", "<1>", "<3>"]
    assert told(body("", after=floating)) == ["<1>", "<2>", "<3>"]


def test_citations_are_found_at_their_characters() -> None:
    article = body(
        f"<p>x<sup>5</sup> <italic>is</italic> {cite('F1', 'Fig. 1')}b,  {cite('F2 F3', 'Figs 2 and 3')}.</p>"
        f"{plain_fig(1)}{plain_fig(2)}{plain_fig(3)}"
    )
    block = article.body[0]
    assert block.text == "x⁵ is Fig. 1b, Figs 2 and 3."
    assert cited(block) == [("Fig. 1", 1, ("B",)), ("Figs 2 and 3", 2, ()), ("Figs 2 and 3", 3, ())]


def test_a_range_cites_what_lies_between_its_ends() -> None:
    figures = "".join(map(plain_fig, (1, 2, 3)))
    (block, *_) = body(f"<p>In {cite('F1', 'Figs 1')}–{cite('F3', '3')}.</p>{figures}").body
    assert sorted(figure for _, figure, _ in cited(block)) == [1, 2, 3]


def test_nobody_who_does_not_ask_gets_the_body() -> None:
    assert parse_article(xml("<p>Words.</p>")).body == ()
