"""The evidence report of a study: what was asked, what was found, and everything it rests on."""

from planwise.study.report.document import document_of
from planwise.study.report.evidence import Evidence, evidence_of
from planwise.study.report.html import html_of
from planwise.study.report.markdown import markdown_of

__all__ = ["Evidence", "document_of", "evidence_of", "html_of", "markdown_of"]
