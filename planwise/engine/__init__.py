"""The simulation engine: the only importer of SQLMesh."""

import os

# SQLMesh reads both when it is imported.
os.environ.setdefault("MAX_FORK_WORKERS", "1")  # never fork a process with threads
os.environ.setdefault("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")
