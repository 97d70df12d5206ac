"""What Learn teaches, as values: courses, readiness, method notes, glossary, troubleshooting."""
