"""The commands that run jobs, and what they print."""
