"""What came of a run: how it stands, how it ended, in which words."""
