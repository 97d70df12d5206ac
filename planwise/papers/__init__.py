"""Papers for those who decide, pay and audit: texts and figures, laid out as HTML, PDF, Markdown or CSV."""
