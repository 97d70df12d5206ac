"""A page that is not built yet says so."""

import panel as pn

from ui.components import html


class Unfinished:
    """Shows its title and that there is nothing more yet."""

    def __init__(self, title: str) -> None:
        self.layout = pn.Column(
            html.pane(html.heading(title, "")),
            html.pane(html.notice("Not built yet.")),
            margin=16,
        )

    def refresh(self) -> None:
        """Do nothing."""
