"""The XML of an article as PMC serves it in 2026: JATS Archiving 1.4, a bare <article>, prefixes as they come.

Element for element after PMC11592912.1 (recorded 2026-09).
"""

from datetime import date
from xml.sax.saxutils import escape

from pmc15m.demo.article import LICENCE_URLS, Article, Figure

NAMESPACES = (
    'xmlns:ali="http://www.niso.org/schemas/ali/1.0/" xmlns:mml="http://www.w3.org/1998/Math/MathML" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def article_xml(article: Article) -> bytes:
    """The object PMC<id>.<v>.xml, UTF-8 without an XML declaration."""
    by_origin: dict[str, list[Figure]] = {}
    for figure in article.figures:
        by_origin.setdefault(figure.origin, []).append(figure)
    floats = "".join(figure.xml for figure in by_origin.get("floats", []))
    back = "".join(figure.xml for figure in by_origin.get("back", []))
    xml = (
        f'<article {NAMESPACES} xml:lang="en" article-type="research-article" dtd-version="1.4">'
        '<processing-meta base-tagset="archiving" mathml-version="3.0" table-model="xhtml" tagset-family="jats">'
        "<restricted-by>pmc</restricted-by></processing-meta>"
        f"{_front(article, by_origin.get('abstract', []))}"
        f"<body>{_body(article, by_origin.get('body', []))}</body>"
        f"<back>{f'<app-group><app><title>Appendix</title>{back}</app></app-group>' if back else ''}<ref-list/></back>"
        f"{f'<floats-group>{floats}</floats-group>' if floats else ''}"
        f"{_translation(by_origin.get('sub_article', []))}</article>"
    ).encode()
    for old, new in article.spoil.items():
        if old not in xml:
            raise ValueError(f"{article.shape}: the XML has no {old!r} to spoil")
        xml = xml.replace(old, new)
    return xml


def article_text(article: Article) -> bytes:
    """The object PMC<id>.<v>.txt."""
    return (
        f"==== Front\n{article.journal.title}\nARTICLE INFORMATION\nPMCID: {article.pmcid}\n"
        f"DOI: {article.doi or ''}\nLicense: {article.licence_code or ''}\n\n{article.title}\n"
    ).encode()


def _front(article: Article, abstract_figures: list[Figure]) -> str:
    journal = article.journal
    ids = [("pmcid", article.pmcid), ("pmcid-ver", f"{article.pmcid}.{article.version}")]
    ids += [("pmcaid", str(article.number)), ("pmcaiid", str(article.number))]
    ids += [("pmid", str(article.pmid))] * (article.pmid is not None)
    ids += [("doi", article.doi or "")] * (article.doi is not None)
    ids += [("manuscript", article.mid or "")] * (article.mid is not None)
    id_xml = "".join(f'<article-id pub-id-type="{kind}">{escape(value)}</article-id>' for kind, value in ids)
    graphical = "".join(figure.xml for figure in abstract_figures)
    if graphical:
        graphical = (
            f'<abstract abstract-type="graphical"><title>Graphical abstract</title><p>{graphical}</p></abstract>'
        )
    flags = {
        "pmc-prop-open-access": article.is_pmc_openaccess,
        "pmc-prop-manuscript": article.is_manuscript,
        "pmc-is-scanned-article": article.is_historical_ocr,
    }
    custom = "".join(
        f"<custom-meta><meta-name>{name}</meta-name><meta-value>{'yes' if value else 'no'}</meta-value></custom-meta>"
        for name, value in flags.items()
    )
    return (
        "<front><journal-meta>"
        f'<journal-id journal-id-type="nlm-ta">{escape(journal.abbreviation)}</journal-id>'
        f"<journal-title-group><journal-title>{escape(journal.title)}</journal-title></journal-title-group>"
        f'<issn pub-type="epub">{journal.issn}</issn>'
        f"<publisher><publisher-name>{escape(journal.publisher)}</publisher-name></publisher></journal-meta>"
        f"<article-meta>{id_xml}"
        f'<article-version article-version-type="pmc-version">{article.version}</article-version>'
        '<article-categories><subj-group subj-group-type="heading"><subject>Article</subject></subj-group>'
        f"</article-categories><title-group><article-title>{escape(article.title)}</article-title></title-group>"
        '<contrib-group><contrib contrib-type="author"><name><surname>Example</surname>'
        '<given-names initials="A">Ada</given-names></name></contrib></contrib-group>'
        f'<pub-date pub-type="epub">{_date(article.published)}</pub-date>'
        f"<volume>{article.published.year - 2000}</volume><issue>{article.published.month}</issue>"
        f'<pub-history><event event-type="pmc-release"><date>{_date(article.published)}</date></event></pub-history>'
        f"{_permissions(article)}"
        f"<abstract><p>{escape(article.title)}: we report what we saw.</p></abstract>{graphical}"
        "<kwd-group><kwd>demonstration</kwd><kwd>imaging</kwd></kwd-group>"
        f"<custom-meta-group>{custom}"
        f"<custom-meta><meta-name>pmc-license-ref</meta-name><meta-value>{article.licence_code or ''}</meta-value>"
        "</custom-meta></custom-meta-group></article-meta></front>"
    )


def _translation(figures: list[Figure]) -> str:
    if not figures:
        return ""
    return (
        '<sub-article article-type="translation" xml:lang="pt" id="tr1"><front-stub><title-group><article-title>'
        "Tradução</article-title></title-group></front-stub>"
        f"<body>{''.join(figure.xml for figure in figures)}</body></sub-article>"
    )


def _date(day: date) -> str:
    return f"<day>{day.day}</day><month>{day.month}</month><year>{day.year}</year>"


def _permissions(article: Article) -> str:
    year = article.published.year
    statement = (
        f"<copyright-statement>© {year} The Author(s).</copyright-statement><copyright-year>{year}</copyright-year>"
    )
    url = LICENCE_URLS.get(article.licence_code or "")
    if url is None:
        terms = "<license><license-p>All rights of the publisher.</license-p></license>"
        return f"<permissions>{statement}{terms}</permissions>"
    return (
        f"<permissions>{statement}<license>"
        f'<ali:license_ref specific-use="textmining" content-type="{_ref_type(url)}">{url}</ali:license_ref>'
        f"<license-p>This is an open access article under the {article.licence_code} licence "
        f'(<ext-link ext-link-type="uri" xlink:href="{url}">{url}</ext-link>).</license-p></license></permissions>'
    )


def _ref_type(url: str) -> str:
    """ccbylicense, ccbyncndlicense …, cc0license."""
    code = url.split("/")[-3]
    return "cc0license" if code == "zero" else f"cc{code.replace('-', '')}license"


def _body(article: Article, figures: list[Figure]) -> str:
    if article.body is not None:
        return article.body
    groups = {group.group_id: group for group in article.groups}
    parts, open_group = [], None
    for figure in figures:
        if open_group is not None and figure.group != open_group:
            parts.append("</fig-group>")
        if figure.group is not None and figure.group != open_group:
            group = groups[figure.group]
            parts.append(f'<fig-group id="{group.group_id}"><label>{group.label}</label>{group.caption.xml}')
        open_group = figure.group
        parts.append(figure.xml)
    if open_group is not None:
        parts.append("</fig-group>")
    results = "".join(f"<p>{paragraph}</p>" for paragraph in article.paragraphs)
    return (
        '<sec id="s1" sec-type="intro"><title>Introduction</title>'
        "<p>Little is known about what this article shows.</p></sec>"
        f'<sec id="s2" sec-type="results"><title>Results</title>{results}{"".join(parts)}{article.body_extra}</sec>'
        '<sec id="s3" sec-type="discussion"><title>Discussion</title>'
        "<p>These findings agree with what was drawn.</p></sec>"
    )
