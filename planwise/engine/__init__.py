"""The simulation engine: the only importer of SQLMesh."""
