"""What happens between a plan that was approved and its next review: risk, release, actuals."""
