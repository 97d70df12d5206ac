"""Files to take away: what is in them is never calculated by a spreadsheet."""
