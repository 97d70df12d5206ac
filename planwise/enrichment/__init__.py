"""Matching by one cascade: awards with recipients, job titles with the market survey."""
