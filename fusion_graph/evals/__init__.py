"""Does a shape pay? Tasks, arms, judges and scores: what `fusiongraph eval` and `tune` are made of. It runs pipelines
through the engine's façade like anybody else, and asks for tables and settings as arguments."""
