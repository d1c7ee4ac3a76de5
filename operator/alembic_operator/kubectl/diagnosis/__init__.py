"""Say what is true of a migration or a pod, why, and what to type next. No I/O."""
