"""fusion_graph: ask several language models, compare what they say, write one answer; the run is a graph you write.

Nothing is imported here, so that `fusiongraph --help` stays quick. The public names are in `fusion_graph.api`.
"""

__version__ = "0.1.0"
