import re

from playwright.sync_api import expect

from planwise.settings import Settings
from tests.browser.dashboards import come_back, come_to, dashboard

READY = "main h1:visible"


def section(page, name):
    page.get_by_role("navigation", name="Sections of Learn").get_by_role("link", name=name).click()


def test_readiness_path_glossary_and_notes(visit, published_home, tmp_path):
    settings = Settings(home=tmp_path / "home")
    settings.root.mkdir()
    with dashboard(settings.root) as url:
        page = visit(f"{url}/?page=learn", READY)
        expect(page.get_by_text("not taken yet")).to_be_visible()
        section(page, "Readiness check")
        page.get_by_role("button", name="Show my path").click()
        expect(page.get_by_text("9 questions are not answered yet")).to_be_visible()
        groups = page.get_by_role("radiogroup")
        expect(groups).to_have_count(9)
        for place in range(9):
            groups.nth(place).get_by_role("radio").nth(4).check()
        page.get_by_role("button", name="Show my path").click()
        expect(page.get_by_role("heading", name="Readiness 100 of 100: Experienced")).to_be_visible()
        section(page, "Learning path")
        expect(page.get_by_text("100 of 100, experienced")).to_be_visible()
        assert page.get_by_text("optional", exact=True).count() > 5

        page.get_by_role("link", name="The growth bridge", exact=True).click()
        page.wait_for_url(re.compile("topic=module-bridge"))
        page.get_by_role("button", name="Check my answer").click()
        expect(page.get_by_text("Choose an answer first.")).to_be_visible()
        page.get_by_role("radio").nth(1).check()
        page.get_by_role("button", name="Check my answer").click()
        expect(page.get_by_text("Not correct.")).to_be_visible()
        page.get_by_role("radio").nth(2).check()
        page.get_by_role("button", name="Check my answer").click()
        expect(page.get_by_text("done", exact=True)).to_be_visible()
        come_back(page)
        expect(page.get_by_text(re.compile("^done on 20"))).to_be_visible()

        section(page, "Glossary")
        page.get_by_label("Search the glossary").fill("compa")
        page.keyboard.press("Enter")
        expect(page.get_by_text(re.compile(r"^\d+ of \d+ terms"))).not_to_contain_text("218 of")
        expect(page.get_by_role("term").first).to_contain_text("compa")
        come_to(page, f"{url}/?page=learn&topic=term-cola_rate")
        expect(page.get_by_role("term")).to_have_count(1)
        expect(page.get_by_text("recommended 0% to 3%")).to_be_visible()
        page.get_by_role("link", name="Levers, assumptions, tiers").click()
        expect(page.get_by_role("heading", name="Levers, assumptions, tiers")).to_be_visible()
        come_to(page, f"{url}/?page=learn&topic=%3Cimg src=x%3E")
        expect(page.get_by_text("Learn has no topic '<img src=x>';")).to_be_visible()
        page.close()


def test_a_module_opens_its_page_with_its_example(visit, served):
    page = visit(f"{served}/?page=learn&topic=module-first-whatif", READY)
    page.get_by_role("button", name="Open a plan with COLA at 0.5%").click()
    page.wait_for_url(re.compile("page=plan"))
    page.wait_for_url(re.compile("set=cola_rate%3D0.005"))
