"""What `eval` and `tune` are made of on the command line: their options, the lab where both work, the work itself, and
what is shown of it."""
