"""What the store reads, one module a subject; views never import these, they get values from the store."""
