"""The simulated years."""

from planwise.errors import InputError
from planwise.parameters.canonical import canonical
from planwise.parameters.catalogue import catalogue

HORIZON = "years"


def simulated_years(value: object, first_year: int) -> tuple[int, ...]:
    """Return the years of a count (`5`) or a range (`2026-2030`) that starts with the census's first year.

    Raises InputError for a horizon outside its bounds (1 to 10 years) or a range that starts elsewhere.
    """
    parameter = catalogue().assumptions[HORIZON]
    horizon = canonical(parameter, value)
    if isinstance(horizon, str):
        start, end = (int(part) for part in horizon.split("-"))
    else:
        start, end = first_year, first_year + int(horizon or 0) - 1
    assert parameter.bounds is not None  # declared numeric
    shortest, longest = (int(bound) for bound in parameter.bounds)
    if not shortest <= end - start + 1 <= longest:
        raise InputError(
            f"years = {horizon} is {end - start + 1} years, outside {shortest} to {longest}.",
            remedy=f"Give a count, or a range such as {first_year}-{first_year + longest - 1}.",
        )
    if start != first_year:
        raise InputError(
            f"years = {horizon} starts in {start}, but the first year after the census is {first_year}.",
            remedy=f"Start the range with {first_year}, or use a census as of the end of {start - 1}.",
        )
    return tuple(range(start, end + 1))
