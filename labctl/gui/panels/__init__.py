"""Show and set the instruments of the table."""
