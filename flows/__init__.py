"""Prefect flows and tasks: the composition root around the core."""

import os

# SQLMesh reads it at import; its collector would speak up, if only to close, where no context was opened.
os.environ.setdefault("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")
