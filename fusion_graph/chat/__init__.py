"""A conversation with a pipeline: what was said, what it cost, and how it is shown."""
