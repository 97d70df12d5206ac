"""A study's trials: how one is evaluated, where it is written, how it is read back."""
