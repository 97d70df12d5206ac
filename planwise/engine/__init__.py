"""The simulation engine: the only importer of SQLMesh."""

import os
import sys
from types import ModuleType

# SQLMesh reads both when it is imported.
os.environ.setdefault("MAX_FORK_WORKERS", "1")  # never fork a process with threads
os.environ.setdefault("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")
# SQLMesh imports DateParser, which compiles a pattern for each of 1,500 names of time zones, a fifth of a
# second. Dates of the engine are ISO dates; of their zones UTC is enough.
_ZONES = ModuleType("dateparser.timezones")
vars(_ZONES)["timezone_info_list"] = [{"regex_patterns": [r"(.)%s$"], "timezones": [("UTC", 0)]}]
sys.modules.setdefault(_ZONES.__name__, _ZONES)
