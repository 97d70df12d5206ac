"""SQLMesh's entry point for the matching project; planwise.enrichment renders and runs its models."""

from planwise.enrichment.cascade import matching_config

config = matching_config()
