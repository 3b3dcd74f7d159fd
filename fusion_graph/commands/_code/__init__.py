"""What `code` is made of."""
