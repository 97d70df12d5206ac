"""Running a study: batches, workers, budgets, and going on after a fault."""
