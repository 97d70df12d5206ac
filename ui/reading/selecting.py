"""A filter as SQL over the workforce snapshot, parameters bound."""

from ui.values.people import NOT_GIVEN, Filter

DEPARTMENT = f"coalesce(department, '{NOT_GIVEN}')"
GENDER = f"coalesce(gender, '{NOT_GIVEN}')"
SNAPSHOT, EVENTS = "fct_workforce_snapshot", "fct_yearly_events"


def of_people(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of level, departments and gender, whatever the employment status."""
    terms: list[str] = []
    bound: list[object] = []
    if chosen.level is not None:
        terms.append("level_id = ?")
        bound.append(chosen.level)
    if chosen.departments:
        terms.append(f"list_contains(?, {DEPARTMENT})")
        bound.append(list(chosen.departments))
    if chosen.gender:
        terms.append(f"{GENDER} = ?")
        bound.append(chosen.gender)
    return " AND ".join(terms) or "true", bound


def of_status(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of the employment status."""
    return "list_contains(?, employment_status)", [list(chosen.statuses)]


def chosen_people(chosen: Filter) -> tuple[str, list[object]]:
    """Return the condition of the whole filter."""
    people, first = of_people(chosen)
    status, second = of_status(chosen)
    return f"{people} AND {status}", first + second
