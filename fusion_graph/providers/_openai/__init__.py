"""Inside the openai provider: connections, and calls over them."""
