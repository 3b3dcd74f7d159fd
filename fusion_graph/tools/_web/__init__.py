"""Pages and searches, for tools that are told addresses by a model."""
