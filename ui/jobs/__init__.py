"""Start and cancel jobs, save scenarios and progress: everything that the dashboard changes."""
