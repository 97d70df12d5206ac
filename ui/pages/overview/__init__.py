"""Overview: the scenario at a glance."""
