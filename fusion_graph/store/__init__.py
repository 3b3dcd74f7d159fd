"""What outlives a run: the journal of runs, replies that need not be bought again, whole runs on a cassette."""
