"""Small articles made by hand: the JATS that the tests are about and nothing else."""

from pmc15m.jats import Article, Figure, FigureStatus, Graphic, parse_article

NAMESPACES = (
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML" '
    'xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
)


def xml(body: str = "", *, meta: str = "", back: str = "", after: str = "", attributes: str = 'xml:lang="en"') -> bytes:
    """An article; `after` follows the body and the back matter (floats-group, sub-article)."""
    return (
        f"<article {NAMESPACES} {attributes}><front><article-meta>{meta}</article-meta></front>"
        f"<body>{body}</body>{back}{after}</article>"
    ).encode()


def fig(inner: str, identifier: str | None = "F1", attributes: str = "") -> str:
    """A `fig`."""
    given = f' id="{identifier}"' if identifier else ""
    return f"<fig{given} {attributes}>{inner}</fig>"


def graphic(href: str, attributes: str = "") -> str:
    """A `graphic`."""
    return f'<graphic {attributes} xlink:href="{href}"/>'


def plain_fig(number: int, inner: str = "") -> str:
    """A figure as it should be: 'Figure n', 'Caption n.', file `fn`."""
    return fig(
        f"<label>Figure {number}</label><caption><p>Caption {number}.</p></caption>{graphic(f'f{number}')}{inner}",
        f"F{number}",
    )


def read(
    body: str = "", *, meta: str = "", back: str = "", after: str = "", attributes: str = 'xml:lang="en"'
) -> Article:
    """Parse an article made of these parts."""
    return parse_article(xml(body, meta=meta, back=back, after=after, attributes=attributes))


def figures(body: str = "", *, back: str = "", after: str = "") -> tuple[Figure, ...]:
    """The figures of an article made of these parts."""
    return read(body, back=back, after=after).figures


def caption_of(caption: str) -> str | None:
    """The text of `<caption>…</caption>` around this."""
    (figure,) = figures(fig(f"<caption>{caption}</caption>{graphic('f1')}"))
    return figure.caption


def pairs(article: Article) -> list[tuple[Figure, Graphic]]:
    """The usable figures, each with each of its pictures."""
    return [(f, graphic) for f in article.figures if f.status is FigureStatus.OK for graphic in f.graphics]
