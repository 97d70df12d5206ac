"""Prefect flows and tasks: the composition root around the core."""
