"""What the address calls a part of Learn: a section, a method, or a module, term or trouble by prefix."""

from dataclasses import dataclass

from ui.learning.content import Library

SECTIONS = {
    "path": "Learning path",
    "readiness": "Readiness check",
    "methods": "Methods",
    "glossary": "Glossary",
    "troubleshooting": "Troubleshooting",
}
MODULE, TERM, TROUBLE = "module-", "term-", "help-"


@dataclass(frozen=True)
class Topic:
    """A section and, in it, the one thing that is looked at; an empty `key` is none."""

    section: str
    key: str = ""


def find(library: Library, topic: str) -> Topic | None:
    """Return what a topic of an address is; None when there is no such thing. Empty is the path."""
    if not topic or topic in SECTIONS:
        return Topic(topic or "path")
    if topic in {method.key for method in library.methods}:
        return Topic("methods", topic)
    if (key := topic.removeprefix(MODULE)) != topic and key in library.modules:
        return Topic("path", key)
    if (key := topic.removeprefix(TERM)) != topic and key in {term.name for term in library.terms}:
        return Topic("glossary", key)
    if (key := topic.removeprefix(TROUBLE)) != topic and key in {t.key for t in library.troubles}:
        return Topic("troubleshooting", key)
    return None
