"""Run axe-core's rules on a page; the rules see into shadow roots."""

import functools

from scripts.axe import axe_script

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BAD = {"serious", "critical"}
RUN = """async (tags) => {
  const found = await axe.run(document, {resultTypes: ["violations"], runOnly: {type: "tag", values: tags}})
  const about = ({target, html, failureSummary}) => (
    {target: target.flat(9).join(" >>> "), html, why: failureSummary})
  return found.violations.map(({id, impact, help, nodes}) => ({id, impact, help, nodes: nodes.map(about)}))
}"""
SHOWN = 4  # elements of a violation that a failure names


@functools.cache
def _rules():
    return axe_script()


def violations(page):
    """Return the serious and critical violations as texts, one a rule, with the elements that break it."""
    if not page.evaluate("typeof axe == 'object'"):
        page.evaluate(_rules())
    return [_text(found) for found in page.evaluate(RUN, TAGS) if found["impact"] in BAD]


def _text(found):
    nodes = "\n".join(
        f"    {node['target']}\n      {node['html'][:300]}\n      {node['why'].splitlines()[-1].strip()}"
        for node in found["nodes"][:SHOWN]
    )
    more = f"\n    and {len(found['nodes']) - SHOWN} more" if len(found["nodes"]) > SHOWN else ""
    return f"{found['impact']} {found['id']}: {found['help']}\n{nodes}{more}"
