"""Plan: edit levers and assumptions by level and year, with live figures of every employee beside them."""
