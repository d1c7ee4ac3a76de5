"""The kubectl plugin: what a person asks at 3 a.m., through kubectl and with the person's own rights."""
