"""Live preview: every employee is simulated for each edit, by worker processes that all sessions share."""

from ui.live_preview.service import PreviewService, open_previews
from ui.live_preview.session import PreviewFailed, Previews

__all__ = ["PreviewFailed", "PreviewService", "Previews", "open_previews"]
