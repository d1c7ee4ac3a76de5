"""What all others speak of: tables and columns, options, findings, failures, the answer."""
