"""Signs in a figure's own words that the article's licence may not cover it."""

import re
from collections.abc import Callable, Iterable

from pmc15m.jats.model import Rights
from pmc15m.jats.sentences import Sentences

# Looked for first: the patterns are dear, and most captions hold none of these.
_PERMISSION_HINTS = ("permi", "licen", "consent", "autori", "genehmig")
_COPYRIGHT_HINTS = ("©", "copyright", "(c) 1", "(c) 2", "(c)1", "(c)2")
_CREDIT_HINTS = (
    *(
        "courtes",
        "cort",
        "credit",
        "crédit",
        "source",
        "photo",
        "foto",
        "artwork",
        "drawing",
        "illustration",
        "ilustra",
        "desenho",
        "dibujo",
    ),
    *("image by", "images by", "map by", "maps by", "cheme by", "gram by", "grams by", "icture by", "ictures by"),
    *("taken by", "made by", "drawn by", "painted by", "ided by", "plied by", "buted by", " por ", " par "),
)
_TAKEN_HINTS = (
    *(
        "repro",
        "reprint",
        "republ",
        "redr",
        "redes",
        "redib",
        "retra",
        "replo",
        "reus",
        "re-",
        "adapt",
        "modif",
        "excerpt",
    ),
    *(
        "taken",
        "extra",
        "retriev",
        "obtained",
        "download",
        "borrow",
        "copied",
        "derived",
        "enlarged",
        "simplif",
        "tomad",
    ),
    *("retirad", "tiré", "veränd", "umgez", "nommen", "source", "fonte", "fuente", "quelle", "after ", "après"),
    *("s from", "e from", "h from", "p from", "g from", "m from", "(from", "cited from"),
)
_PICTURE = (
    r"(?:fig(?:ure|\.)?s?|images?|pictures?|(?:micro)?photo(?:graph|micrograph)?s?|micrographs?|maps?|drawings?|"
    r"illustrations?|diagrams?|schem(?:e|atic)s?|sketch(?:es)?|artworks?|reconstructions?|panels?|insets?|"
    r"fotos?|fotograf[ií]as?|imag(?:em|ens|en|enes)|imágenes|figuras?|mapas?|desenhos?|dibujos?|ilustra(?:ção|ções|ción|ciones)|"
    r"photographies?|dessins?|abbildung(?:en)?|bild(?:er)?)"
)
_NAME = (
    r"(?!(?:Jan|Febr)uary|March|April|May|Ju(?:ne|ly)|August|(?:Septem|Octo|Novem|Decem)ber|Day|Week|Month|Year)"
    r"[A-ZÀ-Þ][a-zà-ÿ’'-]+\w*"
)
_NAMES = rf"{_NAME}(?:,?\s+(?:and|&|e|y|et|und)\s+{_NAME}|,?\s+{_NAME}|,?\s+[A-Z]\.)*"
_YEAR = r"(?:1[6-9]|20)\d\d[a-z]?\b"
_CITATION = rf"(?:\[\s*\d|(?i:\bet\s+al\b|\bref(?:s\b|\b|erences?\s*[\[(]?\d))|{_NAME},?\s*\(?{_YEAR})"
_CITED = re.compile(rf"^(?:[.,;)]|$)|^.{{0,90}}?(?:{_CITATION}|\b{_YEAR}|(?i:\breference\b))")
_CITED_AT_ONCE = re.compile(rf"^(?:[.,;)]|$)|^[^,;]{{0,40}}?{_CITATION}")
_AUTHORS = re.compile(rf"{_NAMES},?\s*(?:et\s+al\b|[(\[]?\s*{_YEAR}|\[\s*\d)|{_NAMES}\s*(?:[.;)]|$)")
_PUBLISHED = re.compile(
    r"(?:\S+\s+){0,4}?(?:publi(?:cation|shed)|papers?|articles?|(?:text)?books?|atlas|reports?|web\s?sites?|internet|thes[ie]s|"
    r"reviews?|literature|newspaper|wiki\w+|google|nasa|archives?|museums?|originals?|artigos?|artículos?|livros?|libros?)\b|"
    r"(?:https?:|www\.)",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    rf"\b(?:(?P<redrawn>re-?(?:produced|printed|published|drawn|drafted|plotted|traced|used)|adapted|modified|excerpted|"
    r"(?:adapta|modifica|reprodu[zc]i|redesenha|redibuja)d[oa]s?|adaptée?s?|modifiée?s?|reproduite?s?|"
    r"modifiziert|verändert|adaptiert|umgezeichnet)|"
    r"taken|extracted|retrieved|obtained|downloaded|borrowed|copied|derived|enlarged|simplified|"
    rf"(?:extraí|retira|toma)d[oa]s?|tirée?s?|übernommen|entnommen|(?P<picture>{_PICTURE}))"
    r"(?:,?\s+(?:and|or|e|y|et|und|in|with|com|con|em|part[ei]?|slight|minor|some|changes|here|\w+ly|"
    r"(?:re|modif|adapt|enlarg|updat|simplif|translat)\w+))*,?"
    r"\s+(?:(?P<after>after|nach|d[’']après)|from|(?:out of|del?|d[oa]s?|a partir d\w+|aus|von)\b)\s*(?P<source>.*)",
    re.IGNORECASE,
)
# Without a verb: '(after Doe et al. 2011)', '(from reference [3])'.
_AFTER = re.compile(
    rf"(?:^|[(;,]\s*)(?i:after|d[’']après)\s+{_NAMES},?\s*(?:et\s+al\b|[(\[]?\s*{_YEAR}|\[\s*\d)|"
    r"(?:^|[(\[])\s*(?i:(?:cited\s+)?from\s+(?:\[|ref(?:s|erences?)?\b\.?\s*\[?)\s*\d)"
)
# What is handed on, followed or measured, and is no picture.
_MATERIAL = re.compile(
    r"\b(?:cells?|lines?|plasmids?|vectors?|constructs?|strains?|mice|animals?|antibod(?:y|ies)|samples?|specimens?|sections?|"
    r"tissues?|blood|serum|sera|[rd]na|sequences?|primers?|probes?|proteins?|structures?|compounds?|reagents?|gift|protocols?|"
    r"methods?|procedures?|techniques?|assays?|algorithms?|criteria|classifications?|scales?|questionnaires?|equations?|"
    r"formulas?|data|datas?ets?|values?|numbers?|estimates?|parameters?|results?|measurements?|boundaries|coordinates|"
    r"information|dados|datos|métodos?|protocolos?|amostras?|muestras?)(?:\s+\([^()]*\))?,?\s+"
    r"(?:(?:is|are|was|were|been|being|has|have|had|which|that|by|kindly|foram|foi|fueron|fue|\w+ly)\s+)*$",
    re.IGNORECASE,
)
_SHOWN = re.compile(rf"\b{_PICTURE}\b", re.IGNORECASE)
_OPENS = re.compile(r"(?:^|[:;,(\[—–]|\(?\b[A-Za-z](?:[–-][A-Za-z])?\)[:.]?)\s*$")
_OWN = re.compile(
    r".{0,40}?\b(?:our|own|(?:co-?|first )?authors?|autor(?:es|as?|ia)?|própri\w+|propi\w+|pes+oal|personal|"
    r"(?:this|present)\s+(?:study|work|article|paper|research|report))\b",
    re.IGNORECASE,
)
_PERSON = (
    r"(?:(?:the\s+)?(?:late\s+)?(?:Drs?|Prof(?:essor)?|Mrs?|Ms)\b\.?\s*[A-Z]|[A-Z]\.[\s-]?(?:[A-Z]\.[\s-]?)*[A-Z][a-zà-ÿ]|"
    r"(?!Canon|Nikon|Olympus|Zeiss|Leica|Sony|Keyence|Carl\s|Light|Scanning|Transmission|Electron)"
    r"[A-Z][a-zà-ÿ’'-]+(?:\s+(?:[A-Z]\.?|d[aeiou]s?|v[ao]n|del|la))*\s+(?!Microscop|Camera)[A-Z][a-zà-ÿ’'-]+|"
    r"[A-Z]{3,}\s+[A-Z]{3,}\b|(?:NASA|USGS|NOAA|ESA|WHO|CDC|FAO|UNICEF|Wiki[mp]edia|Flickr|Shutterstock|Getty|Reuters)\b)"
)
_CREDIT = re.compile(
    rf"\b(?i:courtesy)\b(?=\s*(?:$|of\b|by\b|from\b|and\b|[:,;.(]))|\b(?i:cort[eé]s[ií]a|courtoisie)\s+(?i:d[aeou])|"
    rf"\b(?i:{_PICTURE}|satellite)\s+(?i:sources?|credits?)\s*(?i:$|[:.(]|by\b|to\b|and\b)|"
    rf"(?:^|[(\[]\s*)(?i:credits?|créditos?|crédits?)\s*:\s*(?=[A-ZÀ-Þ])|"
    rf"\b(?i:{_PICTURE})\s+(?i:(?:is|are|was|were)\s+)?(?:\w+ly\s+)?"
    rf"(?i:(?:taken|made|drawn|painted|provided|supplied|contributed|cedid[oa]s?|tirad[oa]s?)\s+)?(?i:by|por|par)\s+(?={_PERSON})|"
    rf"\b(?i:photo(?:graph(?:er)?)?s?|fot(?:o|ografia|ógraf[oa])s?|illustrations?|drawings?|artwork)\s*:\s*(?={_PERSON})|"
    rf"\b(?i:fotos?|fotograf[ií]as?|ilustraç(?:ão|ões)|ilustraci(?:ón|ones)|desenhos?|dibujos?)\s+d[eo]\s+(?={_PERSON}(?:\s+[\w.’-]+){{0,3}}\.?$)|"
    rf"\b(?i:photographed|illustrated|painted)\s+by\s+(?={_PERSON})"
)
_SOURCE = re.compile(
    r"\b(?i:sources?|fontes?|fuentes?|quelle)\s*:\s*(?:\[\d|(?i:internet|google|wiki)|"
    rf"[A-ZÀ-Þ][^.;:]{{0,60}}(?:\bet\s+al\b|\(?{_YEAR},\s*pp?\.))"
)
# Who may consent to be shown, or to a study, and holds no right in the picture.
_SUBJECT = (
    r"\b(?:patient|parent|mother|father|guardian|famil(?:y|ies)|relative|participant|subject|volunteer|individual|person|"
    r"child|ethic|committee|home office|paciente)"
)
_PERMISSION = re.compile(
    rf"(?:(?<!collected )(?<!captured )(?<!sampled )\b(?:with|by)\s+(?:the\s+)?"
    rf"(?:(?!{_SUBJECT})\w+\s+){{0,2}}permissions?\b|"
    r"(?<!with )(?<!by )(?<!the )\bpermissions?\s+(?:from|of|granted|obtained)\b|"
    r"\b(?:re-?(?:produced|printed|published|drawn)|printed|used|adapted|modified|images?|figures?)\b.{0,120}"
    r"\bunder\s+(?:\S+\s+){0,3}licen[cs]e\b|"
    r"\bconsent\s+(?:of|from)\s+(?:the\s+)?(?:publisher|author|journal|copyright|editor|artist|photographer)|"
    r"\bcom\s+(?:a\s+)?permissão|\bcon\s+(?:el\s+)?permiso|\bco[mn]\s+autoriza(?:ção|ción)|"
    r"\bavec\s+(?:la\s+permission|l[’']autorisation)|\bmit\s+(?:\w+\s+)?genehmigung)"
    rf"(?!.{{0,60}}{_SUBJECT})",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(
    r"©|\b[Cc]opyright\b(?!\s+(?:law|act|issue|infring|status|office))|\bCOPYRIGHT\b|\([Cc]\)\s*(?:19|20)\d\d,?\s+[A-Z]"
)


def rights_of(texts: Iterable[str], permissions: str | None) -> tuple[Rights, ...]:
    """What the figure's texts (caption, credit line, asides) and its own `permissions` say.

    'Reproduced with permission from …', 'Adapted from [3]', 'Image courtesy of …', '© 2017 Wiley' and any
    `permissions` element count; what authors say of themselves, and the consent of a patient, do not.
    """
    signs = {Rights.OWN_PERMISSIONS} if permissions else set()
    for text in texts:
        asked = [one for one in _SIGNS if _holds(text, one[1])]
        for sentence in Sentences(text) if asked else ():
            signs.update(sign for sign, hints, says in asked if _holds(sentence, hints) and says(sentence))
    return tuple(sign for sign in Rights if sign in signs)


def _holds(text: str, hints: Iterable[str]) -> bool:
    return any(map(text.casefold().__contains__, hints))


def _tells_a_source(sentence: str) -> bool:
    found = _SOURCE.search(sentence) or _AFTER.search(sentence)
    return bool(found) or any(map(_is_from_elsewhere, _TAKEN.finditer(sentence)))


def _tells_a_credit(sentence: str) -> bool:
    return any(
        not (_OWN.match(sentence, match.end()) or _MATERIAL.search(sentence[: match.start()]))
        for match in _CREDIT.finditer(sentence)
    )


def _is_from_elsewhere(match: re.Match[str]) -> bool:
    """Whether it is the picture that was taken, and from what was published."""
    before, source = match.string[: match.start()], match["source"]
    is_shown = bool(match["picture"] or _SHOWN.search(before))
    if _MATERIAL.search(before) and not is_shown:
        return False
    if match["after"]:
        return bool(match["redrawn"] and _AUTHORS.match(source))
    is_at_hand = is_shown or bool(_OPENS.search(before))
    if not match["redrawn"]:
        return is_at_hand and bool(_CITED_AT_ONCE.match(source) or _PUBLISHED.match(source)) and not _OWN.match(source)
    if _CITED.match(source):
        return is_at_hand or bool(_CITED_AT_ONCE.match(source))
    named = source[:1].isupper() or bool(_PUBLISHED.match(source))
    return is_at_hand and named and not _OWN.match(source)


_SIGNS: tuple[tuple[Rights, tuple[str, ...], Callable[[str], object]], ...] = (
    (Rights.PERMISSION_PHRASE, _PERMISSION_HINTS, _PERMISSION.search),
    (Rights.COPYRIGHT_NOTICE, _COPYRIGHT_HINTS, _COPYRIGHT.search),
    (Rights.TAKEN, _TAKEN_HINTS, _tells_a_source),
    (Rights.CREDIT, _CREDIT_HINTS, _tells_a_credit),
)
