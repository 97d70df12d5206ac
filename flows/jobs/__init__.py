"""Jobs: the steps of each flow as plain functions, the same with Prefect and without."""
