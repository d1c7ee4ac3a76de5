"""Decide about a DatabaseImport, which runs once: from what was seen to a Job to make or delete, and a status."""
