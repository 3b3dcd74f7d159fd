"""Pictures of a pipeline: one neutral model, drawn as DOT, Mermaid, SVG, PNG or in a terminal. Pure."""
