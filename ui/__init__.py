"""The analyst dashboard: views over what is published and the ledger."""
