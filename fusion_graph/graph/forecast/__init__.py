"""What a pipeline can cost and take, from the file alone. Pure arithmetic over a bound pipeline."""
