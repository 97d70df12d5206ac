"""The census: employees and their pay, imported from a file or generated."""

from planwise.census.checks import ImportBlocked, ImportReport
from planwise.census.importer import ImportResult, Reading, import_census, read_census, register_reading
from planwise.census.market import market_file, market_key
from planwise.census.registry import (
    Census,
    census_in_use,
    list_censuses,
    load_census,
    register_census,
    use_census,
)
from planwise.census.synthetic import SyntheticOptions, default_levels, generate_census

__all__ = [
    "Census",
    "ImportBlocked",
    "ImportReport",
    "ImportResult",
    "Reading",
    "SyntheticOptions",
    "census_in_use",
    "default_levels",
    "generate_census",
    "import_census",
    "list_censuses",
    "load_census",
    "market_file",
    "market_key",
    "read_census",
    "register_census",
    "register_reading",
    "use_census",
]
