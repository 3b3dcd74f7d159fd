"""What is told of earlier runs: by `runs`, and beside a plan."""
