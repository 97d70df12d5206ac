"""Auto-optimise: studies that find levers."""
