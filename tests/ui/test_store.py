import os
import shutil
import subprocess
import sys
from threading import Thread

import pytest

from planwise.errors import InputError
from tests.ui.published import publish_by_hand
from ui.cache import BoundedCache
from ui.store import Store


def test_an_empty_home_has_nothing_and_stays_empty(settings):
    store = Store(settings)
    assert store.results() == ((), ())
    assert store.studies.list() == ()
    store.version()
    assert not settings.root.exists()


def test_results_are_read_baseline_first(settings):
    for name in ("zeta", "alpha", "baseline"):
        publish_by_hand(settings, name)
    results, unreadable = Store(settings).results()
    assert [result.scenario for result in results] == ["baseline", "alpha", "zeta"]
    assert unreadable == ()
    result = results[0]
    assert result.years == (2026, 2027)
    assert result.kpi(2027)["headcount"] == 320
    assert result.opening(2026)["payroll"] == 24_000_000
    assert result.opening(2027)["payroll"] == 24_800_000
    assert result.target == 0.03
    assert result.payroll_budget is None


def test_equal_files_are_read_once_and_a_new_publication_is_seen(settings):
    store = Store(settings)
    publish_by_hand(settings, "baseline", fingerprint="a" * 32, growth=0.03)
    before, first = store.version(), store.result("baseline")
    assert store.result("baseline") is first
    publish_by_hand(settings, "baseline", fingerprint="b" * 32, growth=0.04)
    os.utime(settings.published_dir / "baseline" / "current", ns=(1, 1))
    assert store.version() != before
    assert store.result("baseline").kpi(2026)["growth_all"] == 0.04


def test_pay_of_levels_under_ten_people_does_not_leave_the_store(settings):
    publish_by_hand(settings, "baseline")
    levels = Store(settings).result("baseline").levels
    small = levels[levels["headcount"] < 10]
    assert len(small) == 2
    pay = ["mean_base_pay", "median_base_pay", "cv", "mean_compa_ratio", "below_minimum", "above_maximum"]
    assert small[pay].isna().all(axis=None)
    year = levels.set_index(["simulation_year", "level_id"])[pay]
    assert year.loc[2026].notna().all(axis=None)
    assert year.loc[2027].isna().all(axis=None)  # the pay of nine is that of all less that of the 311
    assert levels["headcount"].notna().all()


def damage_nothing_current(folder):
    (folder.parent / "current").write_text("0" * 32)


def damage_manifest(folder):
    (folder / "manifest.json").write_text("{")


def damage_manifest_kind(folder):
    (folder / "manifest.json").write_text("[]")


def damage_manifest_part(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"gate"', '"gait"'))


def damage_parquet(folder):
    (folder / "fct_scenario_kpis.parquet").write_bytes(b"PAR1 no more")


def damage_missing(folder):
    (folder / "fct_level_summary.parquet").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        damage_nothing_current,
        damage_manifest,
        damage_manifest_kind,
        damage_manifest_part,
        damage_parquet,
        damage_missing,
    ],
)
def test_a_damaged_result_is_named_with_a_remedy_and_hides_no_other(settings, damage):
    publish_by_hand(settings, "baseline")
    damage(publish_by_hand(settings, "broken"))
    results, unreadable = Store(settings).results()
    assert [result.scenario for result in results] == ["baseline"]
    assert [item.name for item in unreadable] == ["broken"]
    assert "broken" in unreadable[0].what
    assert "planwise simulate --scenario broken" in unreadable[0].remedy


def test_a_scenario_that_is_not_published_is_refused(settings):
    with pytest.raises(InputError, match="nowhere"):
        Store(settings).result("nowhere")


def test_a_repaired_result_is_read_again(settings):
    store = Store(settings)
    damage_parquet(publish_by_hand(settings, "baseline"))
    with pytest.raises(InputError):
        store.result("baseline")
    shutil.rmtree(settings.published_dir)
    publish_by_hand(settings, "baseline")
    assert store.result("baseline").last_year == 2027


def test_the_cache_is_bounded_and_forgets_what_was_used_longest_ago():
    cache = BoundedCache(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda key=key: key.upper())
    assert len(cache) == 2
    assert cache.get("a", lambda: "made again") == "A"
    assert cache.get("b", lambda: "made again") == "made again"


def test_a_value_that_is_slow_to_make_delays_no_other_session():
    cache = BoundedCache(2)

    def slow():
        other_session = Thread(target=cache.get, args=("b", lambda: "quick"), daemon=True)
        other_session.start()
        other_session.join(timeout=5)
        return "waits" if other_session.is_alive() else "done"

    assert cache.get("a", slow) == cache.known("a") == "done"


def test_the_cache_keeps_what_was_made_elsewhere():
    cache = BoundedCache(2)
    cache.keep("a", 1)
    cache.keep("b", 2)
    assert cache.known("a") == 1
    cache.keep("c", 3)
    assert (cache.known("a"), cache.known("b"), cache.known("c"), len(cache)) == (1, None, 3, 2)


def test_reading_results_imports_neither_sqlmesh_nor_duckdb_nor_optuna():
    code = "import sys, ui.store; print([m for m in ('sqlmesh', 'duckdb', 'optuna') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
