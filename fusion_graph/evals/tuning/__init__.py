"""Which shape is worth its money? A space of shapes, successive halving over tasks, and the front as pipeline files."""
