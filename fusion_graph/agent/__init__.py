"""The coding agent: a model, or a whole pipeline, that works on a folder with tools."""
