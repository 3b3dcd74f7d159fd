"""One folder and what lies in it, for tools that are told paths by a model."""
