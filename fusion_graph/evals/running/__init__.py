"""Running an eval: replies kept and shared, money watched, pipelines run over tasks, judges asked."""
