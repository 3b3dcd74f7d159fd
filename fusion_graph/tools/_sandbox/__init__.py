"""How a command is confined."""
