"""Run: simulate a scenario, watch the job, see its figures."""
