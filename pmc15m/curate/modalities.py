"""Which imaging and measuring techniques a text names: CT, MRI, histology ….

A list of words, each of a modality. It tells what a caption names, not what its picture shows: "as the MRI had shown"
counts too.
"""

import enum
from collections.abc import Iterable, Mapping

import duckdb


class Modality(enum.StrEnum):
    """How a picture came about, as captions say it."""

    CT = "CT"
    MRI = "MRI"
    NUCLEAR = "nuclear"
    RADIOGRAPHY = "radiography"
    ANGIOGRAPHY = "angiography"
    ULTRASOUND = "ultrasound"
    ENDOSCOPY = "endoscopy"
    OPHTHALMOLOGY = "ophthalmology"
    DERMOSCOPY = "dermoscopy"
    ELECTROPHYSIOLOGY = "electrophysiology"
    HISTOLOGY = "histology"
    IMMUNOHISTOCHEMISTRY = "immunohistochemistry"
    FLUORESCENCE = "fluorescence"
    ELECTRON_MICROSCOPY = "electron_microscopy"
    BLOT = "blot"
    FLOW_CYTOMETRY = "flow_cytometry"


# Words of each modality: regular expressions of RE2 (no look-around; repetitions are dear). "_" is any hyphen, a blank
# or nothing, "~" a hyphen or nothing: OCT-3 is a gene, "OCT 3 months later" is none.
_SHOWN = (
    "(?:imag|micro|photo|picture|view|analys|observ|section|examin|investig|scan|stud|cross|charact|volume|tomogra)"
)

# In this case only, as whole words: "Ct values", a "pet" and "Mr" are no examination.
_ABBREVIATIONS: Mapping[Modality, tuple[str, ...]] = {
    Modality.CT: ("CT", "CBCT", "HRCT", "MDCT", "CECT", "NCCT", "p?QCT"),
    Modality.MRI: ("(?:f|rsf|d|c|C|mp)?MRI", "MR[AV]?", "MRCP", "FLAIR", "DWI", "T[12]WI?", "T[12]w", "VIBE", "HASTE"),
    Modality.NUCLEAR: ("PET", "SPECT", "FDG"),
    Modality.RADIOGRAPHY: ("CXR",),
    Modality.ANGIOGRAPHY: ("DSA",),
    Modality.ULTRASOUND: ("EUS", "USG"),
    Modality.OPHTHALMOLOGY: ("OCTA?",),
    Modality.ELECTROPHYSIOLOGY: ("[EV]?ECGs?", "EKGs?", "EEGs?", "s?EMG"),
    Modality.HISTOLOGY: ("H ?(?:&|/|and) ?E",),
    Modality.IMMUNOHISTOCHEMISTRY: ("IHC",),
    Modality.FLUORESCENCE: ("DAPI", "TIRF", "CLSM", "STED", "FLIM"),
    Modality.ELECTRON_MICROSCOPY: ("(?:HR_?|ss|EF)?TEM", "(?:FE_?|E|HR_?|SBF_?|FIB_?)SEM", "HAADF", "[Cc]ryo_EM"),
    Modality.FLOW_CYTOMETRY: ("FACS",),
}

# Likewise, but what means something else as often (a standard error, effector memory, an impact factor, a country,
# whole blood) needs a word beside it.
_ABBREVIATIONS_BESIDE: Mapping[Modality, tuple[str, ...]] = {
    Modality.CT: ("CTA (?:imag|scan|show|of the)", "CAT_scan"),
    Modality.MRI: (
        "(?:DTI|STIR|CMR) (?:imag|map|sequence|scan|cine|track|tract)",
        "BOLD (?:signal|response|contrast|activ|imag)",
    ),
    Modality.ULTRASOUND: (
        "US (?:imag|scan|exam|find|guid)",
        r"(?:[Aa]bdominal|[Tt]ransvaginal|[Pp]elvic|[Rr]enal|[Bb]reast|[Tt]hyroid|[Nn]eck|[Ss]crotal|[Dd]oppler) US\b",
        "T[TE]E (?:view|show|imag|apical)",
    ),
    Modality.HISTOLOGY: ("HE_stain", "HE,? ?[×xX] ?[0-9]", r"HE\) ?\(?[×xX]"),
    Modality.FLUORESCENCE: (f"FISH (?:of|with|signal|probe|{_SHOWN})", "(?:STORM|PALM) imag", f"IF (?:{_SHOWN}|stain)"),
    Modality.ELECTRON_MICROSCOPY: (
        f"S?T?EM (?:and TEM|{_SHOWN})",
        r"(?:[Bb]y|[Uu]nder|[Uu]sing|[Vv]ia|[Ii]mmuno|[Ss]tain)_S?EM\b",
        r"(?:[Tt]ransmission|[Ss]canning)_EM\b",
        "EM (?:reconstruct|data ?set|density|grid|map|measure)",
    ),
    Modality.BLOT: (r"(?:[Bb]y|[Ff]or|[Uu]sing) WB\b", "WB (?:analys|assay|band|imag|result)"),
}

# In any case, where a word starts ("complex Raynaud" has no X-ray, "growth & environment" no stain).
_STARTS: Mapping[Modality, tuple[str, ...]] = {
    Modality.CT: ("tomogra", "micro_ct", "hounsfield"),
    Modality.NUCLEAR: ("bone_scan", "dat_?scan"),
    Modality.MRI: (r"t[12]\*?_weighted", "diffusion_(?:tensor|weighted)_imag", "tractogra"),
    Modality.RADIOGRAPHY: ("x_ray", "roentgen"),
    Modality.ULTRASOUND: ("b_mode", "m_mode", "doppler"),
    Modality.OPHTHALMOLOGY: ("slit_lamp",),
    Modality.HISTOLOGY: (r"h ?& ?e\b", "nissl", "pas_stain", "safranin", "picro_?sirius|sirius_red"),
    Modality.FLUORESCENCE: ("hoechst",),
    Modality.BLOT: (
        r"(?:northern|southern)_(?:blot|analys[ei]s|hybridi)",
        r"blots? (?:imag|bands?|probed)",
        "representative blot",
        "western_analys[ei]s",
    ),
    Modality.ELECTRON_MICROSCOPY: ("cryo_tomogra", "cryo_em"),
}

# In any case and wherever they stand in a word; "ultrasonic" alone is a bath or a sensor. What comes first uses up its
# words: no PET is a CT for its tomography.
_STEMS: Mapping[Modality, tuple[str, ...]] = {
    Modality.NUCLEAR: (
        "positron_emission(?:_tomogra)?",
        "emission_(?:compute(?:d|rized)_)?tomogra",
        "scintigra",
        "scintiscan",
        "fluorodeoxyglucose",
    ),
    Modality.ELECTRON_MICROSCOPY: (
        "electron_(?:photo)?(?:tomogra|micro[gs]|imag)",
        "microscop[ií]a_eletr[oôó]nic",
        "immuno_gold",
        r"(?-i:(?:^|\([A-Za-z]\)[:,.]? ?)SEM\b)",
    ),
    Modality.OPHTHALMOLOGY: (
        "optical_coherence(?:_tomogra)?",
        "(?:fluorescein|indocyanine_green)_angiogra",
        "fundus",
        "fund[ou]scop",
        "ophthalmoscop",
        "retinogra",
        "gonioscop",
        "corneal_topogra",
        "scheimpflug",
    ),
    Modality.CT: ("compute(?:d|rized)_tomogra",),
    Modality.MRI: (
        "magnetic_resonance_(?:imag|angio|venogra|cholangio)",
        "resson[âa]ncia_magn",
        "resonancia_magn",
        "cardi(?:ac|ovascular)_magnetic_resonance",
        "late_gadolinium",
        "fractional_anisotropy",
    ),
    Modality.RADIOGRAPHY: ("radiogra", "mammogra", "fluoroscop", "pantomogra"),
    Modality.ANGIOGRAPHY: ("angiogra", "arteriogra", "venogra"),
    Modality.ULTRASOUND: (
        "ultra_?sound",
        "ultrasonic (?:imag|scan|exam|finding)",
        "ultrasonolog",
        "sonogra",
        "ec?h?ocardiogra",
        "apical_(?:two|three|four|[2-4])_chamber",
        "parasternal",
        r"ecogr[aá]f",
    ),
    Modality.ENDOSCOPY: (
        r"(?:end|colon|gastr|bronch|cyst|laryng|arthr|hyster|lapar|thorac|sigmoid|duoden|enter|ureter)[oó]scop",
    ),
    Modality.DERMOSCOPY: ("derm(?:at)?osco", "trichoscop"),
    Modality.ELECTROPHYSIOLOGY: (
        "electro_?(?:en)?ce(?:ph|f)alogra",
        "electro_?(?:cardio|myo|retino|corticogra|oculo|physiolog)",
        "(?:patch|voltage|current)_clamp",
        "whole_cell_(?:record|current)",
        "local_field_potential",
        "magneto_?encephalogra",
        "evoked_potential",
    ),
    Modality.HISTOLOGY: (
        "histol[oó]g",
        "histo_?patol[oó]g|histo_?pathol",
        "ha?emato?x[yi]lin",
        "trichrome",
        "toluidine",
        "cresyl",
        "reticulin_stain",
        r"(?-i:\(HE[),;])",
        "alcian",
        "periodic_acid",
        "van gieson",
        "luxol",
        "oil_red_o",
        "giemsa",
        "papanicolaou",
        "von_kossa",
        "(?:alizarin_red(?:_s)?|congo_red|prussian_blue)_stain",
    ),
    Modality.IMMUNOHISTOCHEMISTRY: ("im?n?muno_?(?:histo|cyto)?_?(?:chem|qu[ií]m)", "immuno_?peroxidase"),
    Modality.FLUORESCENCE: (
        "immuno_?fluoresc",
        "confocal",
        "epi_?fluoresc",
        rf"fluorescen(?:ce|t)_(?:{_SHOWN}|stain|label|immuno|in_situ|whole_mount|confocal|video|time_lapse|channel)",
        "(?:green|red|blue|yellow|orange|cyan|magenta)_fluorescen",
        "two_photon|multi_?photon|light_sheet|spinning_dis[ck]|airyscan",
        "structured_illumination",
        "super_?resolution_micro|laser_scanning_micro",
        "alexa_fluor",
        "phalloidin",
    ),
    Modality.BLOT: ("western[s_]?_?blot", "immuno_?blot"),
    Modality.FLOW_CYTOMETRY: ("flow_cytomet", "citometr[ií]a_de_flu", "cytofluori?metr"),
}

# What contains one of the words and names none of it, in any case.
_DECOYS_OF_ABBREVIATIONS = (
    # cycles of PCR, chemotherapy, a state
    r"(?:[Δ∆]|\bdelta)_CT\b",
    r"\bCT_(?:method|values?|cycles?|threshold|DNA)\b",
    r"\bCT ?[=:,] ?(?:chemo|control|cholera|connective|cycle|threshold|C_terminal)",
    r"(?:chemotherapy|control|cholera toxin|connective tissue|threshold cycles?|cycle thresholds?) \(CT\)",
    r", CT,? USA|\bCT, (?:NY|NJ|MA)\b",
    # the end of a protein, a factor of the heart
    r"\bNT and CT\b|C_terminal(?: domain| tail)?[,;]? \(?CT\b|\bCT_(?:domain|fragment|peptide)|\bCT~1\b",
    # genes and carriers, an embedding medium, an odour, a month
    r"\bOCT(?:~\d+\b|_3/4)",
    r"\bOCT_(?:compound|embed|medium|(?:19|20)\d\d\b)",
    r"\bOCT ?[=,:] ?(?:optim|organic|octan)",
    r"(?:transporters?|temperature|compound|octanol) \(OCT\)",
    r"(?:embedded|frozen|mounted) in OCT\b",
    # genes, receptors, the design of a study
    r"\bMR~\d+\b",
    r"\bMR_(?:antagonist|agonist|egger|presso|knock|signalling)|\b[GA]R and MR\b|\bMR and [GA]R\b",
    r"\bMR_analys[ei]s of (?:the )?(?:causal|effect|association|LDL|BMI)",
    r"(?:receptors?|ratio|randomi[sz]ation|rate) \(MR\)",
    # antibodies
    r"\bDSA ?[=,:] ?donor|antibod(?:y|ies) \(DSAs?\)",
    # a plastic, a transfer of electrons, the water of a field
    r"\bPET_(?:bottle|film|plastic|membrane|fib|substrate|sheet|degrad|hydrol|polymer|waste|track)",
    r"(?:degradation|hydrolysis|depolymeri[sz]ation|recycling) of PET\b|\b(?:PE|PP|PS|PVC),? (?:and )?PET\b",
    r"\bPET,? (?:and )?(?:PE|PP|PS|PVC)\b",
    r"\bPET ?[=,:] ?(?:polyeth|photoind|potential)",
    r"(?:terephthalate|transfer|evapotranspiration) \(PET\)",
    # an enzyme, memory cells
    r"\bTEM(?:~\d+|_cells?|_type|_like)\b",
    r"\bTEM ?[=,:] ?(?:T |effector|tumou?r)",
    r"(?:effector memory \(|\bT?CM,? (?:and )?)T?EM\b",
    r"\bFACS_(?:buffer|tube|sorted|purified|isolated)",
    # hair cells
    r"\bIHCs? ?[=,:] ?inner|hair cells? \(IHCs?\)",
    # a standard error
    r"(?:bars?|means?|values?|represented|indicated|shown|given|expressed|data) (?:by|as|using|for|with) (?:the )?SEM",
)
_DECOYS_OF_STEMS = (
    # films under blots, chemistry by X-rays
    r"auto_?radiogra|\b(?:to|on) (?:an )?x_ray_film",
    r"(?:dispersive|angle)_x_ray",
    r"\bx_ray_(?:diffract|crystal|photo|scatter|absorption|fluoresc|spectr|powder|struct|irradiat|analys|map|micro_?analys)",
    r"\bx_ray_(?:emission|near|pattern|data|beam|dose|repair|sensitiv)",
    r"(?:ablation|acoustic|diffraction|impedance|optical|probe|projection|seismic)_tomogra",
    # a diagnosis
    r"histo_?(?:patho)?log(?:y|ic|ical) (?:sub)?(?:type|grad|classif|variant)",
    r"(?:definitive|final) histolog",
    # a standard error, a model of causes
    r"\bsem ?[,:=(] ?standard|equation model(?:s|l?ing)? \(sem\)|\bsem_(?:path|model)",
    # other organs
    r"fundus of (?:the )?(?:stomach|uter|gall)|(?:gastric|uterine|stomach) fundus",
    # a bath, a treatment, flow
    r"ultra_?sound_(?:assist|bath|pre_?treat|treat|power|probe_type)|(?:pulsed|focused)_ultra_?sound",
    r"(?:laser|radar)_doppler|doppler_(?:shift|broad|radar|width|veloci)",
    # proteins, spectra, what a reader of plates measures
    r"(?:green|red|blue|yellow|cyan|enhanced|orange)_fluorescent?_(?:protein|calcium)",
    r"fluorescence_(?:spectr|intensit|emission|quench|polari|resonance|correlation|unit|recovery)",
)
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2212\u00ad"

# What a word of each table is: what stands around the alternation of its words.
_FORMS = (
    (_ABBREVIATIONS_BESIDE, r"\b(?:%s)"),
    (_ABBREVIATIONS, r"\b(?:%s)\b"),
    (_STARTS, r"(?i:\b(?:%s))"),
    (_STEMS, "(?i:%s)"),
)


def define_modalities_of(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `modalities_of(text)`: the modalities that a text names, sorted, each once.

    Two scans, each with one alternation that RE2 can hold as an automaton; decoys come first, so that they use up their
    words. What is found is then asked whose it is.
    """
    decoys = [f"(?i:{_any(each)})" for each in (_DECOYS_OF_ABBREVIATIONS, _DECOYS_OF_STEMS)]
    words = [form % _any(_any(each) for each in table.values()) for table, form in _FORMS]
    scans = ("|".join((decoys[0], *words[:2])), "|".join((decoys[1], *words[2:])))
    found = " || ".join(f"regexp_extract_all(text, '{scan}')" for scan in scans)
    whose = " ".join(
        f"WHEN regexp_full_match(word, '{_words_of(modality)}') THEN '{modality}'" for modality in Modality
    )
    connection.execute(
        f"""CREATE OR REPLACE TEMP MACRO modalities_of(text) AS
            list_sort(list_distinct(list_filter(list_transform({found},
                lambda word: CASE {whose} END),
                lambda modality: modality IS NOT NULL)))"""
    )


def _words_of(modality: Modality) -> str:
    return "|".join(form % _any(table[modality]) for table, form in _FORMS if modality in table)


def _any(words: Iterable[str]) -> str:
    return "|".join(words).replace("_", f"[{_HYPHENS} ]?").replace("~", f"[{_HYPHENS}]?")
