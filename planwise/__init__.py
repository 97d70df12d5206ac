"""PlanWise: a compensation-planning workbench."""
