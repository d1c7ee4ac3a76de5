"""What stands in the way, found before anything is written, and what is done about it."""
