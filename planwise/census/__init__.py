"""The census: who works here and what they are paid; imported from a real file or generated."""

from planwise.census.importer import ImportBlocked, ImportResult, import_census
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
    "ImportResult",
    "SyntheticOptions",
    "census_in_use",
    "default_levels",
    "generate_census",
    "import_census",
    "list_censuses",
    "load_census",
    "register_census",
    "use_census",
]
