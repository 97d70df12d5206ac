"""Macros of the models' SQL; SQLMesh fingerprints only what is imported from here."""
