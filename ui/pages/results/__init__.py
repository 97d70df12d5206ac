"""Results: one published scenario in depth."""
