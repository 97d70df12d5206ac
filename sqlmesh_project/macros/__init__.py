"""What the models' SQL calls; SQLMesh fingerprints what is imported from here only."""
