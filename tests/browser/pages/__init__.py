"""What a person does on each page, in roles and labels; nothing here knows how a page is made."""
