"""Whole runs on a cassette (`store/cassette`): recorded, and replayed with no network, no key and recorded prices."""
