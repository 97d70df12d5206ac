"""Benchmarks that anyone can run: ratios to raw SQL in the same process, medians of repeated runs."""
