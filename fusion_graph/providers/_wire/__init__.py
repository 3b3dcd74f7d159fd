"""The chat-completions API as upstreams speak it: bytes in, replies out. Pure."""
