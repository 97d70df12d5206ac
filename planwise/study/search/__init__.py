"""The ground that strategies stand on: what can be reached, and linear models of it."""
