"""Live simulation: what-ifs over every employee, answered by worker processes that all sessions share."""

from ui.previewing.errors import PreviewFailed
from ui.previewing.previews import Previews
from ui.previewing.service import PreviewService, open_previews
from ui.values.previewed import Affected, Impact, LevelYear, Previewed

__all__ = [
    "Affected",
    "Impact",
    "LevelYear",
    "PreviewFailed",
    "PreviewService",
    "Previewed",
    "Previews",
    "open_previews",
]
