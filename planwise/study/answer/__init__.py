"""What a study found: its best trial, what that costs, how sure it is."""
