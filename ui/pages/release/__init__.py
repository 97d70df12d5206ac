"""Release: what is in force, release and roll back, actuals against the plan."""
