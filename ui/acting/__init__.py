"""What the actions write and start, one module a subject; views go through `ui.actions`."""
