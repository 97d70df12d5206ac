"""What-if: every edit re-simulates every employee."""

from ui.session import Session
from ui.views.whatif.page import WhatIf


def view(session: Session) -> WhatIf:
    """Return the page of a session."""
    return WhatIf(session)
