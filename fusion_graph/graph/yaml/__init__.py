"""YAML as text: from characters to plain values with their places. Knows no pipelines."""
