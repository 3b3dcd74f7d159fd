"""The stages of reading: options against kinds, parameters, conditions, references. `graph/reader` is the door."""
