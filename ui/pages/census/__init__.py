"""Census: bring in a payroll file or a sample, put it in use, calibrate."""
