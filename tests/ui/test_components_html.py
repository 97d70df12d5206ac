"""HTML of ours on a page that asks no other host, also while it is not on it."""

from bokeh.document import Document
from bokeh.models import ImportedStyleSheet
from panel.io.state import set_curdoc

from ui.components import html

LOCAL = "static/extensions/panel/"


def test_a_pane_that_changes_while_it_is_not_on_the_page_takes_its_styles_from_this_server():
    document = Document()
    document.template_variables["dist_url"] = LOCAL  # what a page is rendered with
    with set_curdoc(document):
        pane = html.pane("before")
        model = pane.get_root(document)
        assert model.document is None  # it is on no page
        pane.object = "after"
    assert "after" in model.text
    urls = [sheet.url for sheet in model.stylesheets if isinstance(sheet, ImportedStyleSheet)]
    assert urls
    assert all(url.startswith(LOCAL) for url in urls)


def test_commands_in_a_notice_are_shown_as_code_and_stay_text():
    told = html.notice("Gone.", "Run `planwise scenario list <b>`.")
    assert "Run <code>planwise scenario list &lt;b&gt;</code>." in told
