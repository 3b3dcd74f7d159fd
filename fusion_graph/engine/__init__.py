"""The asyncio engine: runs a bound pipeline and tells what happened. It knows no kind, provider or tool by name."""
