"""Models and the SQL of previews take seconds to make: a test run makes them once for all of its homes."""

import os
from pathlib import Path


def share_previews(settings):
    """Let a home find what another home of the test run has made of the models; return its settings."""
    for part in ("preview", "sqlmesh"):
        shared, own = os.environ.get("PREVIEWS_OF_TESTS"), settings.root / "cache" / part
        if shared and not own.exists():
            (Path(shared) / part).mkdir(parents=True, exist_ok=True)
            own.parent.mkdir(parents=True, exist_ok=True)
            own.symlink_to(Path(shared) / part, target_is_directory=True)
    return settings
