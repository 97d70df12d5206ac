"""The linter of `make lint` accepts the dashboard's JavaScript, and its rules find real mistakes."""

import subprocess

import pytest

from scripts.check import ROOT, lint_commands

ASSETS = ROOT / "ui" / "assets"
PLOT = (ASSETS / "plot.js").read_text(encoding="utf-8")
MISTAKES = {
    "syntax": ("export function render(", "export function render(("),
    "no-undef": ("let loading\n", ""),
    "no-unused-vars": ("let loading\n", "let loading\nconst LIMIT = 3\n"),
    "no-shadow": ("(points.map((point)", "(points.map((box)"),
}


def lint(target):
    command = next(lot["oxlint"] for lot in lint_commands() if "oxlint" in lot)
    assert command[-1] == "ui/assets"
    return subprocess.run([*command[:-1], str(target)], cwd=ROOT, capture_output=True, text=True)


def test_the_assets_have_no_finding():
    done = lint(ASSETS)

    assert done.returncode == 0, done.stdout
    assert f"on {len(list(ASSETS.rglob('*.js')))} files" in done.stdout


@pytest.mark.parametrize("rule", MISTAKES)
def test_a_mistake_is_found(tmp_path, rule):
    text, mistake = MISTAKES[rule]
    assert text in PLOT
    file = tmp_path / "plot.js"
    file.write_text(PLOT.replace(text, mistake, 1), encoding="utf-8")

    done = lint(file)

    assert done.returncode == 1
    assert "Unexpected" in done.stdout if rule == "syntax" else f"eslint({rule})" in done.stdout
