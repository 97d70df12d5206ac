"""The simulation engine: the only importer of SQLMesh."""

import os

os.environ.setdefault(
    "MAX_FORK_WORKERS", "1"
)  # SQLMesh reads it at import: never fork a process with threads
