"""The copy of the file, and the application's own scripts, which upgrade it."""
