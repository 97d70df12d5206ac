"""Published results of a dozen people, made by hand: what a comparison must say of them is plain."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from planwise.census import generate_census, load_census
from planwise.governance import open_ledger
from planwise.parameters import resolve
from planwise.settings import Settings

YEARS = (2026, 2027)
DEPARTMENTS = ("Sales", "Legal")
MARKET = 50_000  # market pay of everyone
EMPLOYEES = 20  # of the registered census; the published people are written by hand
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Pay by year from year 0; None while not employed. A hire has an id NEW-…"""

    id: str
    pay: tuple
    level: int = 1
    department: str = "Sales"
    gender: str | None = "F"
    fte: str = "1"
    job: str = "Clerk"

    @property
    def is_hire(self):
        return self.id.startswith("NEW")


def staff(*raises, extra=()):
    """Twelve people, six of level 1 with 50,000 and six of level 2 with 80,000; one raise each, in 2027."""
    assert len(raises) == 12
    people = [
        Person(
            f"E{number:02}",
            (start, start, start + raises[number]),
            level=1 if number < 6 else 2,
            department=DEPARTMENTS[number % 2],
            gender="F" if number < 5 else "M",
        )
        for number in range(12)
        for start in [50_000 if number < 6 else 80_000]
    ]
    return [*people, *extra]


def prepare(settings: Settings) -> None:
    generate_census(settings, employees=EMPLOYEES)
    with open_ledger(settings):
        pass


def publish(
    settings, scenario, people, *, overrides=None, years=YEARS, census=None, create=True, gate=(), events=()
):
    """Write people as a published result and, with `create`, its scenario in the ledger."""
    overrides = {"years": len(years), **(overrides or {})}
    effective = resolve(years, scenario=overrides)
    if create:
        with open_ledger(settings) as ledger:
            ledger.scenarios.create(scenario, overrides)
    fingerprint = (scenario * 64)[:64]
    folder = settings.published_dir / scenario / fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    write_marts(folder, people, years)
    write_events(folder, events)
    found = load_census(settings)
    about = {
        "name": found.name,
        "content_hash": found.content_hash,
        "as_of": found.as_of.isoformat(),
        "rows": found.rows,
        "availability": found.availability,
    } | (census or {})
    failed = [{"expectation": name, "success": False} for name in gate]
    manifest = {
        "scenario": scenario,
        "fingerprint": fingerprint,
        "published_at": NOW.isoformat(),
        "census": about,
        "years": list(years),
        "parameters": [vars(row) for row in effective.rows()],
        "gate": {"suite": "simulation", "status": "passed", "evaluated": 5, "failed": failed},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (settings.published_dir / scenario / "current").write_text(fingerprint)
    return folder


def write_marts(folder, people, years):
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE s (simulation_year INT, employee_id TEXT, employment_status TEXT, level_id INT, "
        "job_title TEXT, department TEXT, gender TEXT, hire_date DATE, termination_date DATE, "
        "fte DECIMAL(5,4), opening_base_pay DECIMAL(14,2), base_pay DECIMAL(14,2), "
        "prorated_pay DECIMAL(14,2), compa_ratio DECIMAL(12,6), market_reference DECIMAL(14,2))"
    )
    for person in people:
        for index, year in enumerate((0, *years)):
            pay, before = person.pay[index], person.pay[index - 1] if index else person.pay[0]
            if pay is None:
                continue
            status = "new_hire_active" if person.is_hire and before is None else "continuous_active"
            hired = f"{year}-03-01" if status == "new_hire_active" else "2020-01-01"
            db.execute(
                f"INSERT INTO s VALUES ({', '.join(['?'] * 15)})",
                [
                    year, person.id, status, person.level, person.job, person.department, person.gender,
                    hired, None, Decimal(person.fte), before, Decimal(str(pay)), Decimal(str(pay)), 1, MARKET,
                ],
            )  # fmt: skip
    _write_figures(db, years)
    for name, table in (
        ("fct_workforce_snapshot", "SELECT * FROM s ORDER BY 1, 2"),
        ("fct_compensation_growth", "SELECT * FROM growth"),
        ("fct_scenario_kpis", "SELECT * FROM kpis"),
        ("fct_level_summary", "SELECT * FROM levels"),
    ):
        db.execute(f"COPY ({table}) TO '{folder / name}.parquet' (FORMAT parquet)")
    db.close()


def write_events(folder, events):
    """Each: id, year, sequence, type, reason, date, levels before and after, pay likewise, rate, chance."""
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE e (employee_id TEXT, simulation_year INT, event_sequence INT, event_type TEXT, "
        "event_reason TEXT, effective_date DATE, previous_level_id INT, level_id INT, "
        "previous_compensation DECIMAL(14,2), compensation_amount DECIMAL(14,2), applied_rate DOUBLE, "
        "probability DOUBLE, draw DOUBLE)"
    )
    for event in events:
        db.execute("INSERT INTO e VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(event))
    db.execute(f"COPY e TO '{folder / 'fct_yearly_events.parquet'}' (FORMAT parquet)")
    db.close()


def _write_figures(db, years):
    """The small marts from the people, with a bridge of one part: raises are COLA, the rest is hires."""
    db.execute(
        """
        CREATE TABLE growth AS
        SELECT simulation_year, count(*) AS headcount, avg(CAST(base_pay AS DOUBLE)) AS mean_base_pay,
            CAST(sum(base_pay * fte) AS DECIMAL(28, 6)) AS payroll,
            CAST(sum(prorated_pay * fte) AS DECIMAL(28, 2)) AS prorated_payroll
        FROM s GROUP BY 1 ORDER BY 1
        """
    )
    db.execute(
        """
        CREATE TABLE kpis AS
        WITH raises AS (
            SELECT simulation_year, sum((base_pay - opening_base_pay) * fte) AS cola_cost,
                sum(CAST(base_pay - opening_base_pay AS DOUBLE)) AS raised, 
                count(opening_base_pay) AS stayers,
                sum(CASE WHEN opening_base_pay IS NULL THEN base_pay * fte ELSE 0 END) AS hire_cost,
                count(*) FILTER (opening_base_pay IS NULL) AS hires
            FROM s WHERE simulation_year > 0 GROUP BY 1
        ), chained AS (
            SELECT *, lag(mean_base_pay) OVER o AS mean_before, lag(payroll) OVER o AS payroll_before,
                lag(headcount) OVER o AS opening_headcount, first_value(mean_base_pay) OVER o AS census_mean,
                row_number() OVER o - 1 AS n
            FROM growth WINDOW o AS (ORDER BY simulation_year)
        )
        SELECT simulation_year, headcount, opening_headcount, hires, 0 AS terminations,
            0 AS experienced_terminations, 0 AS new_hire_terminations, 0 AS reductions, 0 AS promotions,
            mean_base_pay, payroll, prorated_payroll, mean_base_pay / mean_before - 1 AS growth_all,
            power(mean_base_pay / census_mean, 1.0 / n) - 1 AS growth_compound,
            0.0 AS bridge_exits, raised / stayers / mean_before AS bridge_cola, 0.0 AS bridge_merit,
            0.0 AS bridge_promotion,
            mean_base_pay / mean_before - 1 - raised / stayers / mean_before AS bridge_hires,
            CAST(cola_cost AS DECIMAL(28, 6)) AS cola_cost, CAST(0 AS DECIMAL(28, 6)) AS merit_cost,
            CAST(0 AS DECIMAL(28, 6)) AS promotion_cost, CAST(hire_cost AS DECIMAL(28, 6)) AS hire_cost,
            CAST(0 AS DECIMAL(28, 6)) AS exit_savings,
            CAST(payroll - payroll_before AS DECIMAL(28, 6)) AS payroll_change,
            0.0 AS termination_rate, 0.0 AS promotion_rate
        FROM chained JOIN raises USING (simulation_year) ORDER BY 1
        """
    )
    db.execute(
        """
        CREATE TABLE levels AS
        SELECT simulation_year, level_id, count(*) AS headcount,
            count(*) FILTER (opening_base_pay IS NULL) AS hires, 0 AS terminations, 0 AS promotions_in,
            avg(CAST(base_pay AS DOUBLE)) AS mean_base_pay,
            median(CAST(base_pay AS DOUBLE)) AS median_base_pay,
            stddev_pop(CAST(base_pay AS DOUBLE)) / avg(CAST(base_pay AS DOUBLE)) AS cv,
            1.0 AS mean_compa_ratio, 0 AS below_minimum, 0 AS above_maximum
        FROM s GROUP BY 1, 2 ORDER BY 1, 2
        """
    )
