"""The agents service: which assistants there are, and which tools they may use."""
