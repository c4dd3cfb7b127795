"""Traps 59 to 65: identity, licence, status."""

from datetime import date

import pytest

from pmc15m.jats import (
    ArticleFlag,
    ArticleStatus,
    DatePrecision,
    FigureStatus,
    LicenceGroup,
    Notice,
    Rights,
    parse_article,
)
from tests.jats.made import fig, figures, graphic, plain_fig, read, xml

BY = "https://creativecommons.org/licenses/by/4.0/"
OPEN = "This is an open access article distributed under the terms of the Creative Commons Attribution"


def article_id(kind: str, value: str) -> str:
    return f'<article-id pub-id-type="{kind}">{value}</article-id>'


def licensed(inner: str) -> tuple[str | None, str | None, LicenceGroup]:
    """Code, address and group of an article with these children of `permissions`."""
    article = read(meta=f"<permissions>{inner}</permissions>")
    return article.licence_code, article.licence_url, article.licence_group


@pytest.mark.parametrize(
    ("ids", "pmcid", "version"),
    [
        ([("pmc", "98")], "PMC98", None),
        ([("pmcid", "98")], "PMC98", None),
        ([("pmcid", "PMC98"), ("pmcid-ver", "PMC98.2"), ("pmcaid", "98")], "PMC98", 2),
        ([("pmc", "PMC98")], "PMC98", None),
        ([("pmc-uid", "98")], "PMC98", None),
        ([("accession", "PMC98")], "PMC98", None),
        ([("accession", "A98"), ("publisher-id", "98")], None, None),
    ],
)
def test_trap_59_every_form_of_the_pmcid(ids: list[tuple[str, str]], pmcid: str | None, version: int | None) -> None:
    article = read(meta="".join(article_id(*each) for each in ids))
    assert (article.pmcid, article.version) == (pmcid, version)


def test_trap_59_the_version_on_its_own() -> None:
    meta = article_id("pmc", "98") + '<article-version article-version-type="pmc-version">3</article-version>'
    assert read(meta=meta).version == 3


def test_trap_59_the_id_that_was_asked_for_wins_and_a_contradiction_is_flagged() -> None:
    data = xml(meta=article_id("pmcid", "PMC98"))
    assert parse_article(data, pmcid="98").flags == ()
    other = parse_article(data, pmcid="PMC99")
    assert (other.pmcid, other.flags) == ("PMC99", (ArticleFlag.ID_CONTRADICTION,))
    assert parse_article(xml(), pmcid="PMC99").pmcid == "PMC99"


def test_trap_60_no_pmid() -> None:
    article = read(plain_fig(1), meta=article_id("pmcid", "98") + article_id("doi", "https://doi.org/10.1/x"))
    assert (article.pmid, article.doi, article.status) == (None, "10.1/x", ArticleStatus.OK)
    assert read(meta=article_id("pmid", "12781535")).pmid == "12781535"


@pytest.mark.parametrize(
    ("permissions", "code", "group"),
    [
        (f'<license xlink:href="{BY}"><license-p>Open.</license-p></license>', "CC BY", LicenceGroup.COMMERCIAL),
        (
            '<license license-type="CC BY-NC"><license-p>Open.</license-p></license>',
            "CC BY-NC",
            LicenceGroup.NONCOMMERCIAL,
        ),
        ('<license license-type="creativeCommonsBy-nc-nd"/>', "CC BY-NC-ND", LicenceGroup.NONCOMMERCIAL),
        (f"<license><ali:license_ref>{BY}</ali:license_ref></license>", "CC BY", LicenceGroup.COMMERCIAL),
        (f"<ali:license_ref>{BY}</ali:license_ref>", "CC BY", LicenceGroup.COMMERCIAL),
        (f"<license><license-p>{OPEN} License.</license-p></license>", "CC BY", LicenceGroup.COMMERCIAL),
        (
            f"<license><license-p>{OPEN}-NonCommercial-No Derivatives License</license-p></license>",
            "CC BY-NC-ND",
            LicenceGroup.NONCOMMERCIAL,
        ),
        (f"<license><p>{OPEN}–Share Alike 4.0</p></license>", "CC BY-SA", LicenceGroup.COMMERCIAL),
        (
            f"<license><license-p>See <ext-link xlink:href='{BY}'>here</ext-link>.</license-p></license>",
            "CC BY",
            LicenceGroup.COMMERCIAL,
        ),
        (f"<copyright-statement>© A. {OPEN} License.</copyright-statement>", "CC BY", LicenceGroup.COMMERCIAL),
        ("<license xlink:href='http://creativecommons.org/publicdomain/zero/1.0/'/>", "CC0", LicenceGroup.COMMERCIAL),
        (
            "<license><p>under the Creative Commons CC0 public domain dedication</p></license>",
            "CC0",
            LicenceGroup.COMMERCIAL,
        ),
        (
            "<license><p>This is a work of the US Government and is in the public domain.</p></license>",
            "PD",
            LicenceGroup.COMMERCIAL,
        ),
        (
            "<license><p>Open access under the publisher's terms; non-commercial use only.</p></license>",
            None,
            LicenceGroup.OTHER,
        ),
        ("<license license-type='open-access'/>", None, LicenceGroup.OTHER),
        ("", None, LicenceGroup.OTHER),
    ],
)
def test_trap_61_licences_in_every_form(permissions: str, code: str | None, group: LicenceGroup) -> None:
    found = licensed(permissions)
    assert (found[0], found[2]) == (code, group)


def test_trap_61_the_raw_statement_and_the_service_s_own_code() -> None:
    meta = (
        f"<permissions><copyright-statement>© A</copyright-statement><license xlink:href='{BY}'>"
        "<license-p>Free to all.</license-p></license></permissions>"
        "<custom-meta-group><custom-meta><meta-name>pmc-license-ref</meta-name><meta-value>CC BY-NC</meta-value>"
        "</custom-meta></custom-meta-group>"
    )
    article = read(meta=meta)
    assert (article.licence_statement, article.copyright_statement) == ("Free to all.", "© A")
    assert (article.licence_code, article.licence_group) == ("CC BY-NC", LicenceGroup.NONCOMMERCIAL)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Published under a Creative Commons licence: Attribution 4.0 International.", "CC BY"),
        ("Licença Creative Commons Atribuição-NãoComercial-SemDerivações.", "CC BY-NC-ND"),
        ("Licence Creative Commons Attribution - Pas d'Utilisation Commerciale - Pas de Modification.", "CC BY-NC-ND"),
        ("Creative Commons Namensnennung – Nicht-kommerziell – Weitergabe unter gleichen Bedingungen.", "CC BY-NC-SA"),
        ("CC BY 4.0, which permits commercial and non-commercial use.", "CC BY"),
        ("CC BY 4.0, for non-commercial use only.", "CC BY-NC"),
        ("If not otherwise noted, all of it is published without charge under CC BY 4.0.", "CC BY"),
        ("Under CC BY. Images that are not in the article's Creative Commons licence need permission.", "CC BY"),
        ("Dedicated by its makers with the Creative Commons Zero waiver.", "CC0"),
        ("This work is not under a Creative Commons Attribution licence; rights are held by the societies.", None),
        ("Este artigo não está sob a licença Creative Commons Atribuição.", None),
        ("Creative Commons Attribution terms do not apply to this reprint.", None),
        ("A Creative Commons licence may be bought by the authors.", None),
        ("Shared by courtesy of the Creative Commons; attribution is required by the publisher.", None),
        ("This work is not in the public domain.", None),
        ("Data and code are available under CC BY 4.0; the article is the publisher's.", None),
        ("CC BY-ND for readers, CC BY-NC for libraries.", None),
    ],
)
def test_a_licence_has_an_address_or_a_name_that_means_no_other(text: str, code: str | None) -> None:
    assert licensed(f"<license><license-p>{text}</license-p></license>")[0] == code


def test_what_addresses_and_words_say_differently_is_no_licence() -> None:
    other = BY.replace("by", "by-nc")
    assert licensed(f'<license xlink:href="{BY}"/><license xlink:href="{other}"/>') == (None, BY, LicenceGroup.OTHER)
    denied = "<license-p>Not published under a Creative Commons licence.</license-p>"
    assert licensed(f'<license xlink:href="{BY}">{denied}</license>')[0] is None
    aside = "<license-p>If material is not in the Creative Commons licence, ask.</license-p>"
    assert licensed(f'<license xlink:href="{BY}">{aside}</license>')[0] == "CC BY"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://creativecommons.org/licenses/CC-BY/4.0", "CC BY"),
        ("http://creativecommons.org/licenses/by-ncnd/4.0", "CC BY-NC-ND"),
        ("http://creativecommons.org/licenses/CC BY-NC/4.0", "CC BY-NC"),
        ("https://www.creativecommons.org/licenses/by-nc-sa/3.0/deed.en", "CC BY-NC-SA"),
        ("http://www.frontiersin.org/licenseagreement", None),
    ],
)
def test_trap_62_odd_addresses(address: str, code: str | None) -> None:
    assert licensed(f'<license xlink:href="{address}"/>')[0] == code


def test_trap_62_the_licence_of_the_article_not_that_of_its_data() -> None:
    zero = "http://creativecommons.org/publicdomain/zero/1.0/"
    data = f'<license xlink:href="{zero}"><license-p>Data are CC0.</license-p></license>'
    article = f'<license xlink:href="{BY}"><license-p>The article is CC BY.</license-p></license>'
    for both in (article + data, data + article):
        assert licensed(both) == ("CC BY", BY, LicenceGroup.COMMERCIAL)
    waiver = f"<license><p>{OPEN} License. The CC0 waiver applies to the data.</p></license>"
    assert licensed(waiver)[0] == "CC BY"


def test_trap_63_rights_of_single_figures() -> None:
    own, said, notice, free = figures(
        fig(
            '<caption><p>A.</p></caption><graphic xlink:href="a"><permissions>'
            "<copyright-holder>Wiley</copyright-holder></permissions></graphic>"
        )
        + fig(f"<caption><p>B. Reproduced with permission from [3].</p></caption>{graphic('b')}")
        + fig(f"<caption><p>C.</p></caption><attrib>© 2017 Elsevier</attrib>{graphic('c')}")
        + fig(f"<caption><p>D: (a) 2016, (b) 2017, (c) 2018 and (d) permissive cells.</p></caption>{graphic('d')}")
    )
    assert (own.rights, own.permissions) == ((Rights.OWN_PERMISSIONS,), "Wiley")
    assert said.rights == (Rights.PERMISSION_PHRASE,)
    assert notice.rights == (Rights.COPYRIGHT_NOTICE,)
    assert free.rights == ()
    assert {f.status for f in (own, said, notice, free)} == {FigureStatus.OK}


def related(kind: str) -> str:
    return f'<related-article related-article-type="{kind}"/>'


@pytest.mark.parametrize(
    ("attributes", "meta", "notices"),
    [
        ("", "<title-group><article-title>RETRACTED: Cells</article-title></title-group>", (Notice.RETRACTED,)),
        ("", related("retraction-forward"), (Notice.RETRACTED,)),
        ("", related("correction-forward"), (Notice.CORRECTED,)),
        ("", related("concern-forward"), (Notice.CONCERN,)),
        ('article-type="retraction"', related("retracted-article"), (Notice.IS_RETRACTION,)),
        ('article-type="correction"', related("corrected-article"), (Notice.IS_CORRECTION,)),
        ("", "<title-group><article-title>Retracted eyelids</article-title></title-group>", ()),
    ],
)
def test_trap_64_retractions_and_corrections(attributes: str, meta: str, notices: tuple[Notice, ...]) -> None:
    article = read(meta=meta, attributes=attributes)
    assert article.notices == notices
    assert article.is_retracted is (Notice.RETRACTED in notices)


@pytest.mark.parametrize("kind", ["case-report", "letter", "correction", "editorial"])
def test_trap_65_the_article_type_is_recorded_and_drops_nothing(kind: str) -> None:
    article = read(plain_fig(1), attributes=f'article-type="{kind}"')
    assert (article.article_type, article.figures[0].status) == (kind, FigureStatus.OK)


def pub_date(kind: str, year: int, month: int | str = "", day: int | str = "") -> str:
    parts = "".join(
        f"<{name}>{value}</{name}>" for name, value in [("day", day), ("month", month), ("year", year)] if value
    )
    return f'<pub-date pub-type="{kind}">{parts}</pub-date>'


def test_dates() -> None:
    article = read(
        meta=pub_date("collection", 2012)
        + pub_date("epub", 2012, 6, 21)
        + pub_date("ppub", 2012, "Jul")
        + pub_date("pmc-release", 2013, 1, 1)
    )
    assert (article.pub_date, article.pub_date_precision) == (date(2012, 6, 21), DatePrecision.DAY)
    assert (article.electronic_date, article.release_date) == (date(2012, 6, 21), date(2013, 1, 1))
    year_only = read(meta=pub_date("ppub", 2012))
    assert (year_only.pub_date, year_only.pub_date_precision) == (date(2012, 1, 1), DatePrecision.YEAR)
    assert read(meta=pub_date("ppub", 2012, 2, 31)).pub_date is None


@pytest.mark.parametrize("number", ["2147483648", "77777777777", "9223372036854775808", "8" * 6000, "-3", "²"])
@pytest.mark.parametrize("part", ["year", "month", "day"])
def test_a_number_that_no_date_has_is_no_date(part: str, number: str) -> None:
    parts = {"year": "2020", "month": "5", "day": "7"} | {part: number}
    written = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    odd = f'<pub-date pub-type="epub">{written}</pub-date>'
    assert read("", meta=odd).pub_date in (None, date(2020, 1, 1), date(2020, 5, 1))
    version = f'<article-version article-version-type="pmc-version">{number}</article-version>'
    assert (read("", meta=version).version or 0) < 2**31


def test_journal_title_authors_abstract_and_citation() -> None:
    article = parse_article(
        b"""<article xml:lang="en" article-type="research-article"><front><journal-meta>
        <journal-title-group><journal-title>J. Cells</journal-title></journal-title-group><issn>1234-5678</issn>
        <publisher><publisher-name>Press</publisher-name></publisher></journal-meta><article-meta>
        <article-id pub-id-type="doi">10.1/x</article-id>
        <article-categories><subj-group><subject>Biology</subject></subj-group></article-categories>
        <title-group><article-title>CO<sub>2</sub> in cells<xref ref-type="fn" rid="n1">*</xref></article-title>
        </title-group><contrib-group><contrib contrib-type="author"><name><surname>Doe</surname>
        <given-names>J</given-names></name></contrib>
        <contrib contrib-type="editor"><name><surname>Roe</surname></name></contrib></contrib-group>
        <pub-date><year>2020</year></pub-date><volume>3</volume><issue>2</issue><fpage>1</fpage><lpage>9</lpage>
        <abstract><title>Abstract</title><p>Words.</p><p>More.</p></abstract>
        <abstract abstract-type="graphical"><p>No.</p></abstract>
        <kwd-group><kwd>cell</kwd><kwd>gas</kwd></kwd-group></article-meta></front></article>"""
    )
    assert (article.journal, article.issn, article.publisher) == ("J. Cells", "1234-5678", "Press")
    assert (article.title, article.authors, article.subjects) == ("CO₂ in cells", ("Doe J",), ("Biology",))
    assert (article.abstract, article.keywords, article.language) == ("Words. More.", ("cell", "gas"), "en")
    assert article.citation == "Doe J. CO₂ in cells. J. Cells. 2020;3(2):1–9. doi:10.1/x"
