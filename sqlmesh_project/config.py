"""SQLMesh's entry point for its own command line: `sqlmesh lint`, `format`, `test`."""

from planwise.engine.project import project_config

config = project_config()
