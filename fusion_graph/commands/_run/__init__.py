"""What `run` and `ask` are made of."""
