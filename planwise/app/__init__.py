"""Use-cases: a request and a function each, shared by commands, flows, the dashboard and tests."""
