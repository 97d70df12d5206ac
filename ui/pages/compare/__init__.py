"""Compare: scenarios side by side."""
