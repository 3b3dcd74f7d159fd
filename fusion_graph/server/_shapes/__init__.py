"""The surface as an OpenAPI document. Pure."""
