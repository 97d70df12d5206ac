"""The Audit page: what was done, by whom, and whether the record is whole."""
