"""Scenarios side by side: levers, KPIs, people; and one person through the years."""
