"""Read published results, studies, jobs and the ledger for the pages."""
