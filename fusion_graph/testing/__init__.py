"""Tests of pipelines: a run on stubs, on a clock of its own, and what of it is otherwise than expected."""
