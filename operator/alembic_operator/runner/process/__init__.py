"""The process around a run: signals, log, Result, and what an error means."""
