"""What `serve` and `mcp` are made of."""
