"""Learn: lessons, readiness, methods, glossary, troubleshooting."""
