"""The pure graph: from bytes to a plan, a cost and a picture. No clock, task, network or environment."""
