"""Names and identifiers in the form in which they are compared: rules with a name and a version.

A change of a rule changes what is linked: give it a new version, and measure again.
"""

import json

from sqlmesh import macro

# company-names-1. Legal designators are removed at the end of a name only, several in a row too.
DESIGNATORS = (
    "LIMITED LIABILITY COMPANY|LIMITED LIABILITY CO|LIMITED PARTNERSHIP|INC|CORP|CO|COMPANY|LTD|LIMITED|LLC"
    "|PLLC|LC|LP|LLP|LLLP|PC|PA|PLC|GMBH|AG|SA|SAS|SARL|BV|NV|AB|OY|KG|PTY|PTE|SPA|SRL|THE"
)
LONG_DESIGNATORS = ("CORPORATION", "INCORPORATED")  # also shortened to three or more letters, as in CORPOR
CUT_DESIGNATORS = ("INCORPORATED", "CORPORATION", "COMPANY", "LIMITED", "LLC", "LTD", "LLP")
CUT_LENGTHS = (30, 40)  # of name fields in the sources; what is longer ends in the middle of a word
# Words that a family of companies adds to a name: a difference in them is hardly a difference.
FAMILY = (
    "HOLDING GROUP GOVERNMENT FEDERAL OPCO SERVICE ENTERPRISE INTERNATIONAL GLOBAL AMERICA AMERICAN USA "
    "US NORTH OPERATION DIVISION ACQUISITION COMPANY INC INCORPORATED CORP CORPORATION LLC LTD"
)
FAMILY_WORDS = tuple(FAMILY.split())
FAMILY_WEIGHT_MAX = 2000  # thousandths; a word that is in one of seven names has as much
EMPTY_WORDS = {"company-names-1": "AND|OF|THE|FOR", "job-titles-2": "AND|OF|THE|FOR|IN|TO|A|AN|OR|WITH"}
# job-titles-2. Abbreviations of payroll systems; numbers of steps and classes at the end are not a title.
ABBREVIATED = """
ACCT=ACCOUNTANT ACCTG=ACCOUNTING ADM=ADMINISTRATIVE ADMIN=ADMINISTRATIVE ADMR=ADMINISTRATOR
ANLST=ANALYST ASSOC=ASSOCIATE ASST=ASSISTANT ATTY=ATTORNEY AUTO=AUTOMOTIVE AUX=AUXILIARY
BLDG=BUILDING CHF=CHIEF CLK=CLERK COMM=COMMUNICATIONS COMPL=COMPLIANCE CONST=CONSTRUCTION
COORD=COORDINATOR CUST=CUSTOMER DEP=DEPUTY DEPT=DEPARTMENT DEV=DEVELOPMENT DIR=DIRECTOR
DIST=DISTRICT DIV=DIVISION DPTY=DEPUTY EMER=EMERGENCY ENG=ENGINEER ENGR=ENGINEER ENV=ENVIRONMENTAL
EQUIP=EQUIPMENT EXEC=EXECUTIVE FIN=FINANCIAL GEN=GENERAL HLTH=HEALTH HR=HUMAN_RESOURCES HSG=HOUSING
HVY=HEAVY INFO=INFORMATION INSP=INSPECTOR INSPCTR=INSPECTOR INST=INSTRUCTOR INVEST=INVESTIGATOR
IT=INFORMATION_TECHNOLOGY JR=JUNIOR LAB=LABORATORY LIBR=LIBRARIAN LT=LIEUTENANT MAINT=MAINTENANCE
MECH=MECHANIC MGMT=MANAGEMENT MGR=MANAGER MNGR=MANAGER OFC=OFFICE OFCR=OFFICER OFF=OFFICER
OFFCR=OFFICER OPER=OPERATOR OPR=OPERATOR PERS=PERSONNEL PRG=PROGRAM PROG=PROGRAM PROJ=PROJECT
PROP=PROPERTY PSYCH=PSYCHOLOGIST PUB=PUBLIC PURCH=PURCHASING REC=RECREATION REG=REGISTERED
REP=REPRESENTATIVE RESRCH=RESEARCH RN=REGISTERED_NURSE SCH=SCHOOL SEC=SECRETARY SECTY=SECRETARY
SERG=SERGEANT SGT=SERGEANT SPEC=SPECIALIST SPECL=SPECIALIST SPCLST=SPECIALIST SR=SENIOR
STAT=STATISTICAL SUP=SUPERVISOR SUPER=SUPERVISOR SUPT=SUPERINTENDENT SUPV=SUPERVISOR
SUPVR=SUPERVISOR SVC=SERVICE SVCS=SERVICES SYS=SYSTEMS TECH=TECHNICIAN TECHN=TECHNICIAN
TRANS=TRANSPORTATION TRF=TRAFFIC VET=VETERINARY VP=VICE_PRESIDENT WKR=WORKER WRKR=WORKER
"""
ABBREVIATIONS = {
    short: long.replace("_", " ") for short, _, long in (pair.partition("=") for pair in ABBREVIATED.split())
}
GRADES = "[IVX]+|[0-9]+[A-Z]?|[A-Z]"  # Clerk III, Engineer 2, Analyst B
# The level within a job, which does not change the occupation: before a title; SENIOR, JUNIOR behind it too.
LEVELS = "SENIOR|JUNIOR|PRINCIPAL|MASTER|STAFF|DEPUTY|ASSISTANT|ASSOCIATE|ACTING|INTERIM"
LEVELS_BEHIND = "SENIOR|JUNIOR"
# What a person does, whatever in: the last of these words before OF, TO, FOR … is the role of a title. Words
# joined by = are one role. Titles of different roles are hardly ever of one occupation, whatever they share.
ROLES = """
MANAGER=DIRECTOR=HEAD=SUPERINTENDENT SUPERVISOR=FOREMAN=LEADER=LEAD ASSISTANT=AIDE=HELPER
TRAINEE=INTERN=CADET=CANDIDATE=APPRENTICE=RECRUIT=STUDENT TEACHER=INSTRUCTOR=PROFESSOR=LECTURER
LAWYER=ATTORNEY=COUNSEL ADVISOR=ADVISER=COUNSELOR TECHNICIAN=TECHNOLOGIST REPAIRER=MECHANIC WORKER=LABORER
SERGEANT LIEUTENANT CAPTAIN CHIEF COMMANDER MAJOR COLONEL CORPORAL PRESIDENT EXECUTIVE ADMINISTRATOR
ATTENDANT CLERK SECRETARY RECEPTIONIST COORDINATOR SPECIALIST ANALYST OFFICER ENGINEER OPERATOR DRIVER
INSPECTOR EXAMINER AGENT REPRESENTATIVE CONSULTANT NURSE PHYSICIAN THERAPIST PLANNER PROGRAMMER DEVELOPER
DESIGNER SCIENTIST INVESTIGATOR GUARD INSTALLER BUYER AUDITOR ACCOUNTANT ARCHITECT JUDGE DISPATCHER CASHIER
"""
BEFORE_A_FIELD = "OF|TO|FOR|IN|AT|ON|WITH|BY"  # DIRECTOR OF FINANCE


# Common words of company names, by how many of 17,000 real names have them at least. They are counted with
# those of the reference, so that PHOTONICS says little about a name in a small reference too.
BACKGROUND_NAMES = {"company-names-1": 17_000, "job-titles-2": 0}
COMMON = """
900: TECHNOLOGY SYSTEM
500: RESEARCH
300: ENGINEERING ASSOCIATE SCIENCE
170: INTERNATIONAL ADVANCED ASSOC SOLUTION GROUP MEDICAL PHARMACEUTICAL LABORATORY APPLIED SERVICE
DESIGN
100: TECH SOFTWARE SCIENTIFIC MATERIAL DEVELOPMENT ENERGY THERAPEUTIC CONSULTING BIOSCIENCE INSTRUMENT
INDUSTRY PRODUCT CORPON ENTERPRISE DIAGNOSTIC INNOVATION LAB
60: DYNAMIC COMPUTER ELECTRONIC COMMUNICATION HEALTH CONSULTANT RESOURCE POWER BIOTECHNOLOGY IMAGING
AMERICAN ENVIRONMENTAL PHOTONIC CONTROL OPTIC INNOVATIVE MANAGEMENT ANALYSI SENSOR INSTITUTE INTEGRATED
DATA SPACE
35: OPTICAL TECHNICAL COMPOSITE APPLICATION DEVICE INFORMATION MOLECULAR BIO CONCEPT BIOMEDICAL NETWORK
VISION GENETIC DIGITAL GENERAL LASER ANALYTIC INC MICRO CENTER AEROSPACE INTELLIGENT MANUFACTURING FARM
MICROWAVE ROBOTIC MACHINE CORP DBA GLOBAL QUANTUM IN NEW PRECISION LABORATORYTORY LEARNING SIMULATION
20: PACIFIC POLYMER SIGNAL BIOTECH AUTOMATION CHEMICAL COMPUTING INTERACTIVE MEASUREMENT STAR BIOSYSTEM
PHYSIC DECISION MEDIA WAVE CERAMIC ELECTRO LOGIC MICROSYSTEM PERFORMANCE BLUE INDUSTRIAL LIFE LIGHT
SEMICONDUCTOR CELL CARE DEFENSE MAGNETIC MOUNTAIN PROCESS PRODUCTION HIGH OCEAN SPECTRUM ANALYTICAL
NORTH WORK CRYSTAL FIBER PARTNER VENTURE ADAPTIVE ENGINEER METAL SILICON SPECIALTY TESTING THERMAL TOOL
CLINICAL DISCOVERY IMAGE NORTHWEST SOLAR THERAPY VIRTUAL
12: KNOWLEDGE MARINE PLASMA RES SECURITY SYS ACOUSTIC COM COMPUTATIONAL CREATIVE EDUCATION GENOMIC HUMAN
SENSING US BIOLOGICAL BOSTON COATING ENGINE GRAPHIC GREEN PROCESSING SCI USA CAMBRIDGE INSIGHT INTL NANO
PHOENIX PLANT PROTEIN UNITED WEST WIRELESS ALPHA AMERICA ART BIOLOGIC ENVIRONMENT HOLDING
INSTRUMENTATION KINETIC NOVA ON RADIATION SEA SUPPORT TISSUE UNIVERSAL AIR BEHAVIORAL COLORADO CUSTOM
DEV FLOW FOOD GENE INTELLIGENCE MATRIX OMEGA QUALITY RECOVERY SURFACE TEK TEST VISUAL AQUACULTURE
ASSESSMENT DISPLAY DIVERSIFIED DR EARTH FOCU FUEL INFORMATIC MONITORING NATIONAL NUCLEAR ONE PRINCETON
PROPULSION RIVER SURGICAL TEC TRAINING UNLIMITED VALLEY WESTERN AERO AVIATION BATTERY COMBUSTION DIAMOND
FEDERAL FLORIDA FUSION HEALTHCARE HORIZON INTEGRATION MEDICINE NATURAL PHARMA POINT PULSE SKY SMART
SOURCE SPECTRAL STATE TIME VISTA WILLIAM
"""


def _background(rules: str) -> list[tuple[str, int]]:
    rows, names = [("", 0)], 0
    for token in COMMON.split() if BACKGROUND_NAMES[rules] else ():
        if token.endswith(":"):
            names = int(token[:-1])
        else:
            rows.append((token, names))
    return rows


def _text(node) -> str:
    return node.name if hasattr(node, "name") and node.name else str(node)


def _plain(name: str) -> str:
    """Return a name in upper case with blanks for punctuation; `&` becomes AND."""
    return f"REGEXP_REPLACE(REPLACE(UPPER({name}), '&', ' AND '), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')"


def _initials_joined(name: str) -> str:
    """Return a name with its single letters in a row as one word: L L C becomes LLC."""
    marked = f"REGEXP_REPLACE({name}, '\\b(\\p{{L}})\\b', '<\\1>', 'g')"
    joined = f"REPLACE(REPLACE(REPLACE({marked}, '> <', ''), '<', ''), '>', '')"
    return f"CASE WHEN REGEXP_MATCHES({name}, '\\b\\p{{L}} \\p{{L}}\\b') THEN {joined} ELSE {name} END"


def _roles() -> dict[str, str]:
    """Return the role of each word that says one: the first of its words."""
    return {word: words.partition("=")[0] for words in ROLES.split() for word in words.split("=")}


def _shortened(word: str, letters: int) -> list[str]:
    return [word[:n] for n in range(len(word), letters - 1, -1)]


@macro()
def plain_name(evaluator, rules, name):
    """Return SQL for a name without case, punctuation and accents, its initials joined."""
    source = name.sql("duckdb")
    if _text(rules) == "company-names-1":
        branch = f"REGEXP_REPLACE({source}, '\\s*\\(\\d+\\)\\s*$', '')"  # a branch's number
        guarded = f"CASE WHEN CONTAINS({source}, ')') THEN {branch} ELSE {source} END"
        return f"TRIM({_plain(guarded)})"
    plain = _plain(f"REGEXP_REPLACE({source}, '\\([^)]*\\)', ' ', 'g')")  # a title said again, shorter
    known = ", ".join(f"'{short}': '{long}'" for short, long in ABBREVIATIONS.items())
    words = f"LIST_TRANSFORM(STRING_SPLIT(TRIM({plain}), ' '), w -> COALESCE(MAP {{{known}}}[w], w))"
    short = "|".join(ABBREVIATIONS)
    return (
        f"CASE WHEN REGEXP_MATCHES({plain}, '\\b(?:{short})\\b') THEN ARRAY_TO_STRING({words}, ' ') "
        f"ELSE TRIM({plain}) END"
    )


@macro()
def joined_name(evaluator, name):
    """Return SQL for a name whose single letters in a row are one word."""
    return _initials_joined(name.sql("duckdb"))


@macro()
def essential_name(evaluator, rules, name, raw):
    """Return SQL for the normalised name: of a company without designators, of a title without its grade."""
    source = name.sql("duckdb")
    if _text(rules) == "company-names-1":
        cut = "|".join(sorted({part for word in CUT_DESIGNATORS for part in _shortened(word, 1)}))
        long = "|".join(part for word in LONG_DESIGNATORS for part in _shortened(word, 3))
        lengths = ", ".join(map(str, CUT_LENGTHS))
        whole = (
            f"CASE WHEN LENGTH(TRIM({raw.sql('duckdb')})) IN ({lengths}) "
            f"THEN REGEXP_REPLACE({source}, '^(.+?) (?:{cut})$', '\\1') ELSE {source} END"
        )
        bare = f"REGEXP_REPLACE({whole}, '(?: (?:{DESIGNATORS}|{long}))+$', '')"
        return f"REGEXP_REPLACE({bare}, '^THE (.+)$', '\\1')"
    return f"REGEXP_REPLACE({source}, '^(.+?)(?: (?:{GRADES}))+$', '\\1')"


@macro()
def word_stems(evaluator, rules, name):
    """Return SQL for the words that count, singular, separated by blanks."""
    kind, source = _text(rules), name.sql("duckdb")
    if kind == "job-titles-2":
        source = f"REGEXP_REPLACE({source}, '^(?:(?:{LEVELS}) )+', '')"
        source = f"REGEXP_REPLACE({source}, '(?: (?:{LEVELS_BEHIND}))+$', '')"
    bare = f"REGEXP_REPLACE({source}, '\\b(?:{EMPTY_WORDS[kind]})\\b', ' ', 'g')"
    single = f"REGEXP_REPLACE({bare} || ' ', '(\\p{{L}}{{2}})IES ', '\\1Y ', 'g')"
    single = f"REGEXP_REPLACE({single}, '([\\p{{L}}\\p{{N}}]{{2}}[^S ])S ', '\\1 ', 'g')"
    return f"TRIM(REGEXP_REPLACE({single}, ' +', ' ', 'g'))"


@macro()
def role_of(evaluator, rules, name):
    """Return SQL for the role of a title: SECRETARY of SECRETARY TO A JUDGE; empty without any."""
    if _text(rules) != "job-titles-2":
        return "''"
    source, roles = name.sql("duckdb"), _roles()
    head = f"REGEXP_REPLACE({source}, '^(.+?) (?:{BEFORE_A_FIELD}) .*$', '\\1')"
    said = f"'^(?:.* )?({'|'.join(roles)})S?\\b.*$'"
    known = ", ".join(f"'{word}': '{role}'" for word, role in roles.items())
    words = [f"NULLIF(REGEXP_EXTRACT({text}, {said}, 1), '')" for text in (head, source)]
    return f"COALESCE(MAP {{{known}}}[COALESCE({', '.join(words)})], '')"


@macro()
def background_words(evaluator, rules):
    """Return common words with the number of background names that have them, as a derived table."""
    rows = ", ".join(f"('{word}', {names})" for word, names in _background(_text(rules)))
    return f"(SELECT word, names FROM (VALUES {rows}) AS t(word, names))"


@macro()
def background_names(evaluator, rules):
    """Return the number of background names."""
    return str(BACKGROUND_NAMES[_text(rules)])


@macro()
def weight_of_word(evaluator, rules, word, rows, total):
    """Return SQL for what a word says about a name, in thousandths: the rarer, the more."""
    weight = f"CAST(ROUND(1000 * LN(({total.sql('duckdb')} + 1.0) / ({rows.sql('duckdb')}))) AS BIGINT)"
    if _text(rules) != "company-names-1":
        return weight
    family = ", ".join(f"'{word}'" for word in FAMILY_WORDS)
    least = f"LEAST({FAMILY_WEIGHT_MAX}, {weight})"
    return f"CASE WHEN {word.sql('duckdb')} IN ({family}) THEN {least} ELSE {weight} END"


def _identifier(kind: str, column: str) -> str:
    """Return SQL for an identifier in its one form, null for what is none."""
    text = f"UPPER(TRIM({column}))"
    match kind:
        case "uei":
            good = f"REGEXP_FULL_MATCH({text}, '[A-Z0-9]{{12}}') AND REGEXP_MATCHES({text}, '[0-9]')"
            return f"CASE WHEN {good} THEN {text} END"
        case "duns":  # a spreadsheet may have made a number of it: 123456789.0, 1.23456789E+08
            number = (
                f"CASE WHEN REGEXP_FULL_MATCH({text}, '[0-9]\\.[0-9]+E\\+?[0-9]+') "
                f"THEN CAST(TRY_CAST(TRY_CAST({text} AS DOUBLE) AS BIGINT) AS TEXT) "
                f"ELSE REGEXP_REPLACE(REGEXP_REPLACE({text}, '\\.0+$', ''), '[- ]', '', 'g') END"
            )
            good = f"REGEXP_FULL_MATCH({number}, '[0-9]{{5,9}}') AND NOT REGEXP_FULL_MATCH({number}, '0+|9+')"
            return f"CASE WHEN {good} THEN LPAD({number}, 9, '0') END"
        case "soc":
            code = f"REGEXP_REPLACE({text}, '^([0-9]{{2}})-?([0-9]{{4}})(\\.[0-9]{{2}})?$', '\\1-\\2')"
            return f"CASE WHEN REGEXP_FULL_MATCH({code}, '[0-9]{{2}}-[0-9]{{4}}') THEN {code} END"
    raise ValueError(f"unknown identifier {kind}")


def _identifiers(evaluator, matching) -> list[str]:
    declared = {one["matching"]: one for one in json.loads(evaluator.var("matchings"))}
    return str(declared[_text(matching)]["identifiers"]).split()


@macro()
def identifier_columns(evaluator, matching):
    """Return the columns of the declared identifiers, each in its one form."""
    kinds = _identifiers(evaluator, matching)
    return [f"{_identifier(kind, f'given.{kind}')} AS {kind}" for kind in kinds]


@macro()
def first_identifier(evaluator, matching, table):
    """Return SQL for the first identifier that a row has, null without any."""
    kinds = _identifiers(evaluator, matching)
    return f"COALESCE({', '.join(f'{_text(table)}.{kind}' for kind in kinds)}, NULL)"


@macro()
def same_identifiers(evaluator, matching):
    """Return the union of pairs that share an identifier, with the step of the cascade."""
    of = _text(matching)
    return " UNION ALL ".join(
        f"SELECT l.record, r.right_row, {step} AS step, '{kind}-exact' AS method FROM open_rows AS l "
        f"JOIN enrichment.stg_right_{of} AS r ON l.{kind} = r.{kind}"
        for step, kind in enumerate(_identifiers(evaluator, matching), 1)
    )


KEYS = {"left": "record", "right": "right_row"}


@macro()
def matchings(evaluator):
    """Return the blueprints: one of each model for every declared matching."""
    return _blueprints(json.loads(evaluator.var("matchings")))


@macro()
def sides(evaluator):
    """Return the blueprints of names: one for the records and one for the reference of every matching."""
    declared = json.loads(evaluator.var("matchings"))
    return _blueprints([{**one, "side": side, "key": key} for one in declared for side, key in KEYS.items()])


def _blueprints(bound):
    def text(value):
        plain = not isinstance(value, str) or value.replace("_", "").isalpha()
        return value if plain else f"'{value}'"

    return (
        "(" + ", ".join(f"({', '.join(f'{k} := {text(v)}' for k, v in one.items())})" for one in bound) + ")"
    )


@macro()
def same_place(evaluator, left, right):
    """Return SQL for the agreement of places: 2 city or zip code, 1 state, 0 unknown, -2 another state."""
    one, other = _text(left), _text(right)
    return (
        f"CASE WHEN {one}.zip = {other}.zip AND {one}.state IS NOT DISTINCT FROM {other}.state THEN 2 "
        f"WHEN {one}.state IS NULL OR {other}.state IS NULL THEN 0 WHEN {one}.state <> {other}.state THEN -2 "
        f"WHEN {one}.city = {other}.city THEN 2 ELSE 1 END"
    )


@macro()
def each_identifier(evaluator, matching):
    """Return the columns of the declared identifiers."""
    return [f"CAST({kind} AS TEXT) AS {kind}" for kind in _identifiers(evaluator, matching)]


@macro()
def combined_score(evaluator, votes, score):
    """Return SQL for the score of a firm or an occupation from those of its names, 0 to 1.

    Without votes it is the best. With votes its names count together: the root of the sum of their powers, in
    whole numbers, so that it does not depend on the order of rows.
    """
    power, column = int(votes.name), score.sql("duckdb")
    if power == 0:
        return f"MAX({column}) / 10000.0"
    product = " * ".join([f"CAST({column} AS HUGEINT)"] * power)
    return f"ROUND(POWER(CAST(SUM({product}) AS DOUBLE), 1.0 / {power}) / 10000, 4)"


@macro()
def without_glued(evaluator, compact):
    """Return SQL for a name without a designator that is written in one word with it, as in RESEARCHCORP."""
    return f"REGEXP_REPLACE({compact.sql('duckdb')}, '(?:CORPORATION|CORP|INC|LLC|LTD)$', '')"
