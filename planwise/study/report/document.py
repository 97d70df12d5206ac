"""A study's report, whole: the answer first, then what it changes, then what it rests on."""

from planwise.study.report.answer import answer_of, facts_of
from planwise.study.report.blocks import Document, Section
from planwise.study.report.evidence import Evidence
from planwise.study.report.findings import (
    constraints_section,
    front_section,
    risk_section,
    robustness_section,
    sensitivity_section,
)
from planwise.study.report.impact import bridge_section, cost_section, levers_section, people_section
from planwise.study.report.provenance import (
    convergence_section,
    question_section,
    reproduction_section,
    trials_section,
)
from planwise.study.report.structure import structure_section


def document_of(evidence: Evidence) -> Document:
    """Return the report of a study; sections that have nothing to say are left out."""
    answer, tone = answer_of(evidence)
    about = evidence.about
    sections: tuple[Section | None, ...] = (
        facts_of(evidence),
        question_section(evidence),
        levers_section(evidence),
        front_section(evidence),
        bridge_section(evidence),
        cost_section(evidence),
        people_section(evidence),
        structure_section(evidence),
        constraints_section(evidence),
        risk_section(evidence),
        robustness_section(evidence),
        sensitivity_section(evidence),
        convergence_section(evidence),
        trials_section(evidence),
        reproduction_section(evidence),
    )
    census = f", census {about['census']}" if about.get("census") else ""
    made = str(about.get("created_at", ""))[:19].replace("T", " ")
    return Document(
        title=f"Evidence report: {evidence.name}",
        subtitle=f"Scenario {about.get('scenario', '-')}{census}; asked {made} UTC",
        answer=answer,
        answer_tone=tone,
        sections=[section for section in sections if section is not None],
    )
