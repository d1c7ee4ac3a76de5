"""All tables, in one pass or in two, so that nothing half is ever visible."""
