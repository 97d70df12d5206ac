"""A button that downloads a file each time it is pressed, also when the file is the same as the last time."""

from typing import Any, Literal

import panel_material_ui as pmui

Variant = Literal["contained", "outlined", "text"]


class FileButton(pmui.FileDownload):
    """Panel's own button sends a file by changing a property: an unchanged file would not be sent again."""

    def __init__(self, *, variant: Variant = "text", **params: Any) -> None:
        super().__init__(**params)
        self.variant = variant  # given to the constructor, the libraries warn of each other's name for it

    def _sync_data(self, fileobj: Any) -> None:
        self.data = None
        super()._sync_data(fileobj)
