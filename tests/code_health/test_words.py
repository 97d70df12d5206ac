"""The glossary: names, messages, docstrings and comments use the words of the field."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The folders whose words have been gone through; a new folder belongs here as well.
FOLDERS = [
    *(
        f"planwise/{name}"
        for name in ("app", "calibration", "census", "cli", "comparison", "engine", "enrichment")
    ),
    *(
        f"planwise/{name}"
        for name in ("governance", "jobs", "monitoring", "parameters", "release", "risk", "study")
    ),
    "planwise/*.py",
    "flows",
    "expectations",
    "ui/pages/optimise",
    "ui/queries",
    "ui/jobs",
    "sqlmesh_project/macros",
    "enrichment_project/macros",
    *(f"ui/{name}" for name in ("components", "live_preview", "values", "draft.py", "selection.py")),
    *(f"ui/pages/{name}" for name in ("census", "compare", "overview", "plan", "results", "run")),
    *(f"ui/{name}" for name in ("auth", "jobs", "shell", "pages/learn")),
    *(f"ui/{name}.py" for name in ("app", "queries/comparisons", "serve", "server", "session", "store")),
]
# What the browser gets: scripts, styles, templates, and the texts of Learn.
ASSETS = sorted(file for file in (ROOT / "ui" / "assets").rglob("*") if file.is_file())
# Texts that are not Python: templates, labels of parameters, SQL with its descriptions, guides.
PROSE = [
    "README.md",
    "docs/**/*.md",
    "planwise/**/*.yaml",
    "planwise/study/report/templates/*.jinja",
    "sqlmesh_project/**/*.sql",
    "sqlmesh_project/**/*.yaml",
    "enrichment_project/**/*.sql",
]
BANNED_IN_NAMES = frozenset(
    ["wish", "wishes", "told", "tell", "asked", "whoever", "nobody", "somebody", "heed", "refuse", "stands"]
)
BANNED_IN_TEXT = re.compile(
    r"\b(wish(es)?|told|tells?|whoever|nobody|somebody|stands|heed(s|ed)?|asked|as it (is|was)|what there is"
    r"|leave\w* alone|holding|a fault of ours)\b",
    re.IGNORECASE,
)
# A word in a file, and why it stays: stored keys and values cannot be renamed.
ALLOWED = {
    ("enrichment_project/macros/names.py", "holding"): "a word of company names",
    ("planwise/app/sweep.py", "asked"): "key of a stored sweep",
    ("planwise/app/sweep_report.py", "asked"): "key of a stored sweep",
    ("planwise/app/sweep_report.py", "as it is"): "variant of a stored sweep",
    ("planwise/app/optimize.py", "refuse"): "name of a step in stored job events and Prefect tasks",
    ("planwise/jobs/job.py", "told"): "type of a stored job event",
    ("planwise/jobs/writer.py", "told"): "type of a stored job event",
    ("ui/values/results.py", "as it is"): "variant of a stored sweep",
    ("planwise/census/importer.py", "asked"): "text in stored census manifests",
    ("ui/queries/scenario_status.py", "asked"): "key of a stored sweep",
    ("planwise/study/trial.py", "asked"): "text in stored journals",
    ("planwise/study/post_analysis.py", "asked"): "key of a stored result",
    ("planwise/study/journal.py", "tell"): "method of Optuna's studies",
    ("planwise/study/strategies/preview_objective.py", "tell"): "ask-and-tell is the pattern's name",
    ("planwise/study/strategies/scipy_methods.py", "tell"): "ask-and-tell is the pattern's name",
}
TEXT = (tokenize.STRING, tokenize.COMMENT)


def files(folder):
    found = ROOT.glob(folder) if folder.endswith(".py") else (ROOT / folder).rglob("*.py")
    return sorted(found)


def words_of(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def banned_words(file):
    source = io.StringIO(file.read_text(encoding="utf-8"))
    for token in tokenize.generate_tokens(source.readline):
        if token.type == tokenize.NAME:
            found = BANNED_IN_NAMES.intersection(words_of(token.string))
        elif token.type in TEXT:
            found = {match[0].lower() for match in BANNED_IN_TEXT.finditer(token.string)}
        else:
            continue
        yield from ((word, token.start[0]) for word in found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_names_and_texts_use_the_glossary(folder):
    paths = {file.relative_to(ROOT).as_posix(): file for file in files(folder)}
    assert paths, f"{folder} has no Python file"
    found = [
        f"{path}:{line}: {word}"
        for path, file in paths.items()
        for word, line in banned_words(file)
        if (path, word) not in ALLOWED
    ]
    assert found == []


@pytest.mark.parametrize("file", ASSETS, ids=lambda file: file.relative_to(ROOT / "ui" / "assets").as_posix())
def test_assets_use_the_glossary(file):
    text = file.read_text(encoding="utf-8")
    found = {match[0].lower() for match in BANNED_IN_TEXT.finditer(text)}
    if file.suffix == ".js":
        names = {word for name in re.findall(r"\w+", text) for word in words_of(name)}
        found |= BANNED_IN_NAMES.intersection(names)
    assert found == set()


@pytest.mark.parametrize("pattern", PROSE)
def test_prose_uses_the_glossary(pattern):
    paths = sorted(ROOT.glob(pattern))
    assert paths, f"{pattern} names no file"
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in BANNED_IN_TEXT.finditer(line)
    ]
    assert found == []


def test_every_exception_is_needed():
    unused = [
        (path, word)
        for path, word in ALLOWED
        if word not in {found for found, _ in banned_words(ROOT / path)}
    ]
    assert unused == []
