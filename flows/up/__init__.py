"""`planwise up`: Prefect server, worker and dashboard, started and stopped together."""
