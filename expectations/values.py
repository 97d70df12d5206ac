"""From what pandas and NumPy hold to plain JSON values."""

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd


def plain(value: Any) -> bool | int | float | str | None:
    """Return a JSON value: missing and not-a-number become None, infinities and everything unknown text."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | np.datetime64):
        return pd.Timestamp(value).isoformat().removesuffix("T00:00:00")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, bool | int | str) else str(value)
