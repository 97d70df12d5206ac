"""Macros of the matching models."""
