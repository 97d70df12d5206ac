"""Uncertainty: seed ensembles, sensitivity, impact, risk assessment."""
