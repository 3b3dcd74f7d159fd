"""Tasks whose right answers are known and models whose knowledge is a mask: what fusion can do becomes arithmetic,
and the whole way from a pipeline file to a score can be held to it."""
