"""Every table's schema, a comment a column.

The reasons are the enums of the stages that give them (`crawl`, `jats`, `figures`, `curate`), stored as text.
"""

from collections.abc import Mapping

import pyarrow as pa

from pmc15m import tables

_TEXTS = pa.list_(pa.string())
SPAN = pa.struct([pa.field("start", pa.int32()), pa.field("end", pa.int32())])  # characters, end exclusive
BOX = pa.struct([pa.field(side, pa.int32()) for side in ("x0", "y0", "x1", "y1")])  # px, x1 and y1 exclusive
WINDOW = pa.struct([pa.field("low", pa.float64()), pa.field("high", pa.float64())])
_MARKUP = pa.struct([*SPAN, pa.field("kind", pa.string())])
_ASIDE = pa.struct([pa.field("place", pa.int32()), pa.field("text", pa.string()), pa.field("kind", pa.string())])
_MENTION = pa.struct(
    [
        pa.field("section_path", pa.string()),
        pa.field("paragraph", pa.string()),
        pa.field("sentence", pa.string()),
        pa.field("panels", _TEXTS),  # letters cited beside the figure: "Fig. 2B,C" gives B and C
        pa.field("origin", pa.string()),
        pa.field("basis", pa.string()),  # explicit, or expanded from a range: "Figs 1–3" cites Figure 2
    ]
)
_OTHER_CAPTION = pa.struct([pa.field(name, pa.string()) for name in ("language", "label", "caption")])


def _table(**columns: tuple[pa.DataType, str]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, metadata={"comment": comment}) for name, (kind, comment) in columns.items()])


CATALOG = _table(
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version; 0 where the source has none (kept tarballs)"),
    change_token=(pa.string(), "changes when any object of the version changes: the metadata's ETag, or Last Updated"),
    last_modified=(pa.timestamp("us", tz="UTC"), "of the metadata object or the tarball"),
    locator=(pa.string(), "where the source keeps it: metadata key, tarball path"),
    state=(pa.string(), "listed, changed or removed since the index before"),
    pmid=(pa.string(), "from PMC-ids.csv.gz, or as the source lists it, else null"),
    doi=(pa.string(), "likewise"),
    journal=(pa.string(), "likewise"),
    issn=(pa.string(), "likewise"),
    year=(pa.int32(), "of publication, likewise"),
    licence_code=(
        pa.string(),
        "where the source lists it, else null: what the metadata says stands in raw and articles",
    ),
    licence_group=(pa.string(), "commercial, noncommercial or other"),
    is_pmc_openaccess=(pa.bool_(), "member of the Open Access Subset"),
    is_manuscript=(pa.bool_(), "funder's author manuscript: no media"),
    is_historical_ocr=(pa.bool_(), "scanned back issue: no figures"),
    is_retracted=(pa.bool_(), "retracted"),
)

# Columns of the catalog that the metadata of an article version tells.
FACTS = (
    *("pmid", "doi", "licence_code", "licence_group"),
    *("is_pmc_openaccess", "is_manuscript", "is_historical_ocr", "is_retracted"),
)

# One row an object, and one row (role `article`) an article version, in the order of the tar.
RAW_INDEX = _table(
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version; 0 where the source has none"),
    role=(pa.string(), "article, metadata, xml or media"),
    member=(pa.string(), "name in the tar, PMC<id>.<v>/<name>; null where nothing was stored"),
    name=(pa.string(), "the object's name as published, or the href that led to nothing"),
    offset=(pa.int64(), "first byte of the content in the tar"),
    size=(pa.int64(), "bytes; role article with reason budget: what the first one left out needs in the tar"),
    md5=(pa.string(), "of the content, hex"),
    sha256=(pa.string(), "of the content, hex"),
    published_md5=(pa.string(), "as the service states it; null = the bytes could not be verified"),
    format=(pa.string(), "by the first bytes: jpeg, png, gif, tiff, webp, html …"),
    change_token=(pa.string(), "role article: the catalog's token that this fetch answers"),
    status=(pa.string(), "article: complete, partial, failed, excluded, removed, superseded; else ok, skipped, failed"),
    reason=(pa.string(), "why not ok or complete"),
    # what the metadata says, in rows of role article
    **{name: (CATALOG.field(name).type, "role article: as in the catalog") for name in FACTS},
)

ARTICLES = _table(
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version; 0 where the source has none"),
    pmid=(pa.string(), "PubMed id"),
    doi=(pa.string(), "DOI as written"),
    title=(pa.string(), "article title"),
    journal=(pa.string(), "journal title"),
    issn=(pa.string(), "electronic before print"),
    publisher=(pa.string(), "publisher's name"),
    authors=(_TEXTS, "'Surname Given', groups by name"),
    pub_date=(pa.date32(), "earliest publication date"),
    pub_date_precision=(pa.string(), "day, month or year; what is missing is set to 1"),
    electronic_date=(pa.date32(), "of the electronic publication"),
    release_date=(pa.date32(), "in PMC"),
    article_type=(pa.string(), "JATS article-type"),
    language=(pa.string(), "xml:lang of the article, lower case"),
    subjects=(_TEXTS, "subject groups"),
    keywords=(_TEXTS, "author's keywords"),
    abstract=(pa.string(), "plain text"),
    licence_code=(pa.string(), "normalised: CC BY, CC BY-NC, CC0 …; the service's word before the XML's"),
    licence_url=(pa.string(), "with its version"),
    licence_group=(pa.string(), "commercial, noncommercial or other; unknown is other"),
    licence_statement=(pa.string(), "as the article words it"),
    copyright_statement=(pa.string(), "likewise"),
    is_pmc_openaccess=(pa.bool_(), "member of the Open Access Subset; null where the source does not say"),
    is_retracted=(pa.bool_(), "by the service or the article"),
    is_manuscript=(pa.bool_(), "funder's author manuscript"),
    is_historical_ocr=(pa.bool_(), "scanned back issue"),
    notices=(_TEXTS, "retracted, corrected, concern; is_retraction … where the article itself is the notice"),
    flags=(_TEXTS, "what is unusual about the XML: recovered, named_entities …"),
    citation=(pa.string(), "as NLM words it, else made from the article's facts"),
    source=(pa.string(), "cloud (with metadata JSON), or files: an oa_package tarball, loose JATS with pictures"),
    shard=(pa.string(), "raw shard with its bytes"),
    n_figures=(pa.int32(), "rows of figures"),
    n_media_unreferenced=(pa.int32(), "published media that no figure refers to: supplements, leftovers"),
    status=(pa.string(), "ok, partial (an object is missing), unusable, or the crawl's excluded, failed, removed"),
    reason=(pa.string(), "why not ok, or why an article has no figures"),
)

FIGURES = _table(
    figure_key=(pa.string(), "PMC<id>_<version>_f<index>: stable, index = position in the article"),
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version"),
    figure_id=(pa.string(), "id in the XML, or #n where it has none"),
    order=(pa.int32(), "reading order: by label number where it parses, else by position"),
    kind=(pa.string(), "figure, scheme, chart, graphical_abstract, video, supplementary …"),
    origin=(pa.string(), "body, floats, back, abstract, boxed_text, sub_article"),
    sub_article_type=(pa.string(), "article-type of the enclosing sub-article, e.g. translation"),
    label=(pa.string(), "as printed"),
    derived_label=(pa.string(), "a label that stands at the start of the caption instead"),
    title=(pa.string(), "title of the caption"),
    caption=(pa.string(), "caption, title included, without asides; null = the article has none"),
    caption_markup=(pa.list_(_MARKUP), "bold, italic, sup, sub, formula, title, label, block … over caption"),
    caption_asides=(
        pa.list_(_ASIDE),
        "left out of caption: label, credit, link, file, reference; place = of caption, null = of group_caption",
    ),
    caption_source=(pa.string(), "the element that held the caption: figure or graphic"),
    language=(pa.string(), "of the caption, lower case"),
    other_captions=(pa.list_(_OTHER_CAPTION), "the same caption in other languages"),
    group_id=(pa.string(), "id of the enclosing fig-group"),
    group_label=(pa.string(), "its label"),
    group_caption=(pa.string(), "its caption, inherited"),
    section_path=(pa.string(), "titles of the enclosing sections, ' > ' between"),
    mentions=(pa.list_(_MENTION), "places in the text that cite the figure"),
    attrib=(pa.string(), "credit line"),
    alt_text=(pa.string(), "alternative text"),
    permissions=(pa.string(), "the figure's own permissions statement"),
    rights=(
        _TEXTS,
        "signs that the article's licence may not cover it: own_permissions, permission_phrase, taken, credit …",
    ),
    media=(_TEXTS, "hrefs of what is no picture: films, files"),
    n_graphics=(pa.int32(), "pictures of the figure"),
    status=(pa.string(), "ok, or unusable"),
    reason=(pa.string(), "why unusable: no_caption, no_graphic, not_an_image, damaged_xml …"),
)

IMAGES = _table(
    image_key=(pa.string(), "<figure_key>_g<index>"),
    figure_key=(pa.string(), "its figure"),
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version"),
    graphic_index=(pa.int32(), "position among the figure's pictures"),
    href=(pa.string(), "as the XML writes it"),
    alternatives=(_TEXTS, "other hrefs of the same picture"),
    file=(pa.string(), "the published name it resolved to"),
    resolved_by=(pa.string(), "the step that matched: exact, decoded, case_folded, stem …"),
    shard=(pa.string(), "raw shard with the bytes"),
    offset=(pa.int64(), "first byte in the shard's tar"),
    size=(pa.int64(), "bytes"),
    md5=(pa.string(), "hex"),
    sha256=(pa.string(), "hex"),
    format=(pa.string(), "by the first bytes"),
    status=(pa.string(), "ok, or dropped"),
    reason=(pa.string(), "why dropped: missing_file, no_media_by_licence, ambiguous, external, not_an_image …"),
)

# What only the decoded picture tells: written by `split`, which decodes each image once.
PIXELS = _table(
    image_key=(pa.string(), "its image"),
    width=(pa.int32(), "px, upright"),
    height=(pa.int32(), "px, upright"),
    mode=(pa.string(), "Pillow mode as stored: RGB, L, CMYK, P …"),
    page=(pa.int32(), "of the file, from 0: the largest of a TIFF"),
    orientation=(pa.int32(), "EXIF's number of how the picture was stored, and turned upright; 1 = upright"),
    window=(WINDOW, "stored values seen as black and white; null = 8 bit, as stored"),
    pixel_sha256=(pa.string(), "of size and RGB pixels: equal for lossless re-encodings"),
    phash=(pa.uint64(), "64-bit perceptual hash; null for what is tiny or blank"),
    family=(pa.string(), "picture, graphic, or mixed: both beside each other; by a small classifier"),
    family_score=(pa.float32(), "its probability"),
    kind=(pa.string(), "likeliest of its family: photo, radiology, microscopy, gel; plot, diagram, table_text; mixed"),
    kind_score=(pa.float32(), "its probability"),
    brightness=(pa.float32(), "mean of grey, 0 to 1: hardly changed by another size or encoding"),
    entropy=(pa.float32(), "of the grey histogram, bit"),
    white_share=(pa.float32(), "share of pixels near white"),
    colour_share=(pa.float32(), "share of pixels with colour"),
    compound=(pa.float32(), "probability that the figure has several panels"),
    n_panels=(pa.int32(), "rows of panels"),
    status=(pa.string(), "single, split_aligned, split_unaligned, kept_whole or dropped"),
    reason=(pa.string(), "why kept whole or dropped: truncated, too_many_pixels …"),
)

PANELS = _table(
    panel_key=(pa.string(), "<image_key>_p<order>"),
    image_key=(pa.string(), "its image"),
    figure_key=(pa.string(), "its figure"),
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version"),
    order=(pa.int32(), "reading order, from 0"),
    label=(pa.string(), "printed letter as assigned; null = none"),
    box=(BOX, "px of the picture, upright"),
    label_box=(BOX, "where the letter is printed"),
    tiles=(pa.list_(BOX), "visual units inside the panel"),
    score=(pa.float32(), "confidence in the box"),
    subcaption_spans=(
        pa.list_(SPAN),
        "of figures.caption: the panel's own words and those that its list shares, without its marker",
    ),
    stem_spans=(pa.list_(SPAN), "those among them that its sentence or list shares with other panels"),
    subcaption=(pa.string(), "the spans' text, joined by a blank"),
    shared_spans=(pa.list_(SPAN), "what concerns the whole figure: title, legends"),
    alignment_score=(pa.float32(), "confidence that sub-caption and box belong together"),
    phash=(pa.uint64(), "of the crop"),
    family=(pa.string(), "as pixels.family, of the crop"),
    family_score=(pa.float32(), "its probability"),
    kind=(pa.string(), "as pixels.kind, of the crop"),
    kind_score=(pa.float32(), "its probability"),
    brightness=(pa.float32(), "as pixels.brightness, of the crop"),
    entropy=(pa.float32(), "as pixels.entropy, of the crop"),
    white_share=(pa.float32(), "as pixels.white_share, of the crop"),
    colour_share=(pa.float32(), "as pixels.colour_share, of the crop"),
    splitter=(pa.string(), "the separator that was asked: network or gutters"),
    status=(pa.string(), "ok, or dropped"),
    reason=(pa.string(), "why dropped: no_subcaption, too_small …; few_words: a text of fewer than three, kept"),
)

# One row a text that stands beside a picture, each once: a figure's, whatever the number of its pictures, or a panel's.
CAPTIONS = _table(
    key=(pa.string(), "figure_key or panel_key"),
    level=(pa.string(), "figure or panel"),
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version"),
    shard=(pa.string(), "raw shard with the picture"),
    n_chars=(pa.int32(), "of pairs.text"),
    n_words=(pa.int32(), "of pairs.text"),
    n_tokens=(pa.int32(), "words and punctuation marks of pairs.text: no subword tokenizer makes fewer of it"),
    modalities=(_TEXTS, "as pairs.modalities"),
    caption_hash=(pa.uint64(), "of the normalised text: equal for equal captions"),
    caption_simhash=(pa.uint64(), "of its runs of three words: near for near captions; null below eight words"),
    language_guess=(pa.string(), "by its words; null where it does not tell"),
    is_boilerplate=(pa.bool_(), "names or points, and describes nothing: 'Figure 1', 'See text'"),
)

DUPLICATES = _table(
    key=(pa.string(), "image_key or panel_key"),
    duplicate_group=(pa.string(), "key of the group's keeper"),
    group_size=(pa.int32(), "members; 1 = no duplicate, here for one of the last two columns"),
    is_keeper=(pa.bool_(), "largest, then oldest, then smallest key"),
    relation=(pa.string(), "to the keeper: bytes, pixels or near; keeper where it is the keeper itself"),
    distance=(pa.int32(), "Hamming distance of the perceptual hash to the keeper's"),
    split_article=(pa.string(), "PMCID that decides the split: the first article linked by duplicates, long captions"),
    benchmark_distance=(pa.int32(), "of it, its figure or panels to the nearest of curate.against; null = none near"),
)

CAPTION_GROUPS = _table(
    key=(pa.string(), "captions.key"),
    caption_group=(pa.string(), "key of the group's keeper"),
    group_size=(pa.int32(), "captions, at least two"),
    is_keeper=(pa.bool_(), "longest, then oldest, then smallest key"),
    relation=(pa.string(), "to the keeper: equal, or near (in another article); keeper where it is the keeper itself"),
    distance=(pa.int32(), "Hamming distance of the fingerprint to the keeper's"),
)

PAIRS = _table(
    pair_key=(pa.string(), "image_key or panel_key; no dot, as WebDataset wants"),
    level=(pa.string(), "figure or panel"),
    pmcid=(pa.string(), "PMC + digits"),
    version=(pa.int32(), "article version"),
    figure_key=(pa.string(), "its figure"),
    image_key=(pa.string(), "its image"),
    panel_key=(pa.string(), "its panel; null at figure level"),
    shard=(pa.string(), "raw shard with the picture"),
    offset=(pa.int64(), "first byte in the shard's tar"),
    size=(pa.int64(), "bytes"),
    box=(BOX, "crop, px of the picture, upright; null = the whole picture"),
    width=(pa.int32(), "px of the picture or crop"),
    height=(pa.int32(), "px"),
    format=(pa.string(), "of the stored picture"),
    label=(pa.string(), "figure label, with the panel's letter"),
    text=(pa.string(), "caption or sub-caption"),
    context=(
        pa.string(),
        "text amid what it shares with other panels, or behind the group caption; null where that adds nothing",
    ),
    n_chars=(pa.int32(), "of text"),
    n_words=(pa.int32(), "of text"),
    n_tokens=(pa.int32(), "words and punctuation marks of text: no subword tokenizer makes fewer of it"),
    modalities=(
        _TEXTS,
        "techniques that text names, sorted: CT, MRI, histology …; where it names none, those that context names",
    ),
    caption_hash=(pa.uint64(), "of the normalised text: equal for equal captions"),
    caption_simhash=(pa.uint64(), "of its runs of three words: near for near captions; null below eight words"),
    caption_group=(
        pa.string(),
        "figure or panel whose caption is kept of those that say the same; null = alone, or below eight words",
    ),
    is_caption_duplicate=(pa.bool_(), "in a caption group and not of its keeper"),
    article_hash=(pa.uint64(), "of the PMCID: for sampling"),
    journal=(pa.string(), "journal title"),
    year=(pa.int32(), "of publication"),
    released=(pa.date32(), "in PMC, else published: what an as-of date asks"),
    article_type=(pa.string(), "JATS article-type"),
    language=(pa.string(), "of the caption, as the article says"),
    language_guess=(pa.string(), "of text, by its words; null where it does not tell"),
    licence_code=(pa.string(), "normalised"),
    licence_url=(pa.string(), "with version"),
    licence_group=(pa.string(), "commercial, noncommercial or other"),
    figure_kind=(pa.string(), "figures.kind"),
    origin=(pa.string(), "figures.origin"),
    image_family=(pa.string(), "pixels.family or panels.family"),
    image_family_score=(pa.float32(), "its probability"),
    image_kind=(pa.string(), "pixels.kind or panels.kind"),
    image_kind_score=(pa.float32(), "its probability"),
    alignment_score=(pa.float32(), "panels.alignment_score"),
    n_panels=(pa.int32(), "of the whole picture"),
    compound=(pa.float32(), "pixels.compound"),
    entropy=(pa.float32(), "of the grey histogram of the picture or crop, bit"),
    white_share=(pa.float32(), "share of its pixels near white"),
    colour_share=(pa.float32(), "share of its pixels with colour"),
    sha256=(pa.string(), "of the stored picture's bytes"),
    phash=(pa.uint64(), "of the picture or crop"),
    duplicate_group=(pa.string(), "key of the group's keeper; null = no duplicates"),
    is_duplicate=(pa.bool_(), "in a group and not its keeper"),
    split=(pa.string(), "train, val or test, by article"),
    flags=(
        _TEXTS,
        "retracted, not_open_access, own_rights, several_graphics, compound, boilerplate_caption, near_benchmark",
    ),
)

_PARTS = (ARTICLES, FIGURES, IMAGES, PIXELS, PANELS, CAPTIONS, DUPLICATES, CAPTION_GROUPS, PAIRS)
TABLES: Mapping[str, pa.Schema] = dict(zip(tables.TABLES, _PARTS, strict=True))


def figure_key(pmcid: str, version: int, index: int) -> str:
    """Key of the figure at position `index` (from 1) of an article version."""
    return f"{pmcid}_{version}_f{index:03d}"


def image_key(figure: str, graphic_index: int) -> str:
    """Key of a figure's picture at position `graphic_index` (from 1)."""
    return f"{figure}_g{graphic_index:02d}"


def panel_key(image: str, order: int) -> str:
    """Key of an image's panel at place `order` (from 0) of the reading order."""
    return f"{image}_p{order:02d}"
