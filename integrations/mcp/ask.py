"""The MCP SDK for Python: the tools of `fusiongraph mcp`, an answer with its progress, and a request that is cancelled.
Arguments: the command that starts the server, or an address."""

import asyncio
import os
import sys

from mcp import StdioServerParameters
from mcp.client import Client


async def hear(progress: float, total: float | None, message: str | None) -> None:
    print("progress:", progress, "of", total, message)


async def main() -> None:
    server = sys.argv[1:]
    if server[0].startswith("http"):
        target = server[0]
    else:
        target = StdioServerParameters(command=server[0], args=server[1:], env=dict(os.environ))
    async with Client(target) as client:
        print("tools:", *(tool.name for tool in (await client.list_tools()).tools))
        asked = {"prompt": 'sim: say "hello from the panel"'}
        result = await client.call_tool("council", asked, progress_callback=hear)
        print("answer:", result.structured_content["answer"])
        print("cost:", result.structured_content["cost_usd"], "degraded:", result.structured_content["degraded"])
        try:
            async with asyncio.timeout(0.001):
                await client.call_tool("council", asked)
        except TimeoutError:
            print("cancelled")
        print("after it:", (await client.call_tool("fusion", asked)).structured_content["answer"])


asyncio.run(main())
