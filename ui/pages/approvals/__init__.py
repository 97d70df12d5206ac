"""Approvals: what waits for a decision, one proposal in detail, proposing."""
