"""Overview: key figures, changes, what to do, all scenarios."""
