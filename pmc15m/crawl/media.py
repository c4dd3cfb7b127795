"""Which of an article's published media are worth fetching: the pictures that its figures refer to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pmc15m.config import CrawlConfig
from pmc15m.jats import PAIR_KINDS, Article, FileNames, OtherGraphicKind, parse_article, resolve_graphic
from pmc15m.sources.model import Facts, Reading, Reason


@dataclass(frozen=True, slots=True)
class XmlReader:
    """The function of `FetchTask.read_xml`."""

    config: CrawlConfig

    def __call__(self, xml: bytes, pmcid: str, names: Sequence[str]) -> Reading:
        others = self.config.table_images or self.config.formula_images
        article = parse_article(xml, pmcid=pmcid, other_graphics=others)
        files = FileNames(names)
        verdict: dict[str, Reason | None] = dict.fromkeys(names, Reason.UNREFERENCED)
        for href, alternatives, reason in self._graphics(article):
            name = resolve_graphic(href, files, alternatives).name
            if name is not None and verdict[name] is not None:
                verdict[name] = reason
        return Reading(_facts(article), verdict)

    def _graphics(self, article: Article) -> Iterator[tuple[str, tuple[str, ...], Reason | None]]:
        for figure in article.figures:
            reason = None if figure.kind in PAIR_KINDS else Reason.SUPPLEMENTARY
            for graphic in figure.graphics:
                yield graphic.href, graphic.alternatives, reason
        kinds = set()
        if self.config.table_images:
            kinds |= {OtherGraphicKind.TABLE}
        if self.config.formula_images:
            kinds |= {OtherGraphicKind.FORMULA, OtherGraphicKind.INLINE}
        for other in article.other_graphics:
            if other.kind in kinds:
                yield other.href, (), None


def _facts(article: Article) -> Facts:
    return {
        "pmid": article.pmid,
        "doi": article.doi,
        "licence_code": article.licence_code,
        "licence_group": article.licence_group.value,
        "is_manuscript": article.is_manuscript,
        "is_historical_ocr": article.is_historical_ocr,
        "is_retracted": article.is_retracted,
    }
