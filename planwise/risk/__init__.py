"""What may turn out otherwise: seed ensembles, sensitivity, impact, risk assessment."""
