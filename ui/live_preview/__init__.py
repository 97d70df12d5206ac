"""Live preview: every employee is simulated for each edit, by worker processes that all sessions share."""

from ui.live_preview.service import PreviewFailed, Previews, PreviewService, open_previews

__all__ = ["PreviewFailed", "PreviewService", "Previews", "open_previews"]
