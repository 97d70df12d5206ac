"""The pages: each takes the store and the selection, and returns a layout; none queries or writes."""
