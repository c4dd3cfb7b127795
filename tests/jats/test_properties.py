"""What holds for every article: texts stay with their figures, and nothing is made up."""

import re
import unicodedata
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.jats import as_written
from pmc15m.jats import Figure, Mark, parse_article
from tests.jats.made import fig, graphic, pairs, xml

WORDS = st.text("ab Zß αβ μ²é—.,;:()<>&0123456789 \u00a0\u2009\u00ad\u200b\n", max_size=12)


INLINE = st.recursive(
    WORDS.map(escape),
    lambda inner: st.lists(
        st.one_of(
            inner,
            st.tuples(st.sampled_from(["italic", "bold", "sup", "sub", "named-content", "xref", "sc"]), inner).map(
                lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"
            ),
            st.sampled_from(["<!-- comment -->", "<?pi text?>", "<break/>"]),
        ),
        max_size=3,
    ).map("".join),
    max_leaves=6,
)
BLOCKS = st.lists(st.tuples(st.sampled_from(["title", "p"]), INLINE), max_size=3)
WRAPPERS = st.sampled_from(
    ["{}", "<sec><p>{}</p></sec>", "<boxed-text>{}</boxed-text>", "<list><list-item>{}</list-item></list>"]
)


@st.composite
def articles(draw: st.DrawFn) -> tuple[bytes, list[str | None]]:
    """An article whose n-th figure bears the word `own<n>` in its caption; and the sources of the captions."""
    body, floats = [], []
    captions: list[str | None] = []
    for number in range(draw(st.integers(1, 5))):
        caption = None
        if draw(st.booleans()):
            blocks = [*draw(BLOCKS), ("p", f"own{number}x"), *draw(BLOCKS)]
            caption = "".join(f"<{name}>{inner}</{name}>" for name, inner in blocks)
        captions.append(caption)
        inner = f"<label>Figure {number + 1}</label>" + (f"<caption>{caption}</caption>" if caption else "")
        figure = fig(inner + graphic(f"own{number}x"), f"F{number}")
        (floats if draw(st.booleans()) and not body else body).append(draw(WRAPPERS).format(figure))
    data = xml("".join(body), after=f"<floats-group>{''.join(floats)}</floats-group>")
    return data, captions


def visible(text: str) -> str:
    """The characters that count: no white space, nothing invisible, compatibility forms resolved."""
    return re.sub(r"[\s\u00ad\u200b-\u200d]", "", unicodedata.normalize("NFKC", text))


def text_of(source: str) -> str:
    """The text of a piece of XML, made without the engine."""
    bare = re.sub(r"<!--.*?-->|<\?.*?\?>|<[^<>]*>", "", source)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(articles())
def test_no_caption_has_text_of_another_figure(made: tuple[bytes, list[str | None]]) -> None:
    data, captions = made
    for figure in parse_article(data).figures:
        number = int(figure.figure_id[1:])
        owners = set(re.findall(r"own(\d)x", figure.caption or ""))
        assert owners == ({str(number)} if captions[number] else set())
        assert [g.href for g in figure.graphics] == [f"own{number}x"]


@given(articles())
def test_every_character_of_the_caption_is_in_the_source_in_order(made: tuple[bytes, list[str | None]]) -> None:
    data, captions = made
    for figure in parse_article(data).figures:
        source = captions[int(figure.figure_id[1:])]
        assert visible(as_written(figure) or "") == visible(text_of(source or ""))


@given(articles())
def test_spans_lie_within_the_caption_and_touch_no_blank(made: tuple[bytes, list[str | None]]) -> None:
    for figure in parse_article(made[0]).figures:
        text = figure.caption or ""
        assert text == " ".join(text.split())
        for span in figure.caption_markup:
            piece = text[span.start : span.end]
            assert piece
            assert piece == piece.strip()
        assert blocks(figure) == text.replace(" ", "")


def blocks(figure: Figure) -> str:
    """The title and the paragraphs run together."""
    text = figure.caption or ""
    spans = [s for s in figure.caption_markup if s.kind in (Mark.TITLE, Mark.PARAGRAPH)]
    return "".join(text[s.start : s.end] for s in spans).replace(" ", "")


@given(st.binary(max_size=300))
def test_any_bytes_give_an_article_or_a_reason(data: bytes) -> None:
    article = parse_article(data)
    assert article.reason is not None
    assert article.figures == ()


@given(articles(), st.data())
def test_a_cut_article_has_no_wrong_pair(made: tuple[bytes, list[str | None]], data: st.DataObject) -> None:
    whole, _ = made
    right = {g.href: f.caption for f, g in pairs(parse_article(whole))}
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    for figure, picture in pairs(parse_article(cut)):
        assert right[picture.href] == figure.caption
