"""Inside the local provider: the embedded model as a child process."""
