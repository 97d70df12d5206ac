"""Files of components: for who is signed in, and only of the packages that draw the page."""

from typing import Any

from panel.io.resources import COMPONENT_PATH
from panel.io.server import AuthenticatedStaticFileHandler, ComponentResourceHandler
from tornado.web import HTTPError

PACKAGES = frozenset({"panel", "panel_material_ui", "ui"})


class ComponentFiles(ComponentResourceHandler, AuthenticatedStaticFileHandler):
    """In the place of Panel's own, which imports any module that an address names, for anybody."""

    def parse_url_path(self, path: str) -> str:
        """Return the file; raises HTTPError for a module of another package."""
        if path.partition("/")[0].partition(".")[0] not in PACKAGES:
            raise HTTPError(404)
        found: str = super().parse_url_path(path)
        return found


ROUTES: list[tuple[str, type[ComponentFiles], dict[str, Any]]] = [
    (f"/{COMPONENT_PATH}(.*)", ComponentFiles, {})
]
