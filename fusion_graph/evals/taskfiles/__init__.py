"""Task files: YAML, the DRACO data set (JSON lines) and its decoded manifest, JSON lines with exact answers. All become
the same tasks; whatever is wrong is told with its place, all at once."""

from fusion_graph.evals.taskfiles.loading import load, locate, shipped

__all__ = ["load", "locate", "shipped"]
