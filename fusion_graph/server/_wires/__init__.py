"""The wires: each API's body read into what is asked, and an answer in its own words. Pure."""
