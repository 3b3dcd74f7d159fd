"""The only place where tables, settings and engine meet: `pipelines` knows which file a name means, `backends` which
address answers a model, `tools` which tools a command line allows, and `engines` makes a Fusion of all that. Whoever
starts something (`commands`, `api`, `tapes`, `testing`) stands on this."""
