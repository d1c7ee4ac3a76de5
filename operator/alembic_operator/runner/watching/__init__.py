"""Those who watch revisions run, and add what they saw to the log and the Result."""
