"""What the tests of the MCP server share: the SDK's own client, in memory or over a real process's pipes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from gitcoord.agents.mcp_server.seat import Seat
from gitcoord.agents.mcp_server.server import Serving
from tests.agents.support import PATIENCE
from tests.support import coord_argv


class Caller:
    """A client that calls tools and looks at the documents."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def raw(self, tool: str, **arguments: Any) -> types.CallToolResult:
        found = await self.client.call_tool(tool, arguments)
        assert isinstance(found, types.CallToolResult)
        return found

    async def ask(self, tool: str, **arguments: Any) -> Any:
        """The result of a call that goes well."""
        answer = await self.raw(tool, **arguments)
        assert not answer.is_error, answer.content
        assert answer.structured_content["ok"] is True
        return answer.structured_content["result"]

    async def refusal(self, tool: str, **arguments: Any) -> Any:
        """The error of a call that does not."""
        answer = await self.raw(tool, **arguments)
        assert answer.is_error, answer.content
        assert answer.structured_content["ok"] is False
        return answer.structured_content["error"]


@asynccontextmanager
async def in_memory(at: Path, env: Mapping[str, str] | None = None, mode: str = "auto") -> AsyncIterator[Caller]:
    """A client of a server in this very process; the server goes when the client does."""
    serving = Serving(Seat(str(at), {**os.environ, **(env or {})}))
    try:
        async with Client(serving.server(), mode=mode) as client:
            yield Caller(client)
    finally:
        await anyio.to_thread.run_sync(serving.close)


@asynccontextmanager
async def over_stdio(
    at: Path, env: Mapping[str, str] | None = None, argv: list[str] | None = None
) -> AsyncIterator[Caller]:
    """A client of a server in a process of its own, as agents start it."""
    program, *arguments = argv or coord_argv("mcp")
    started = StdioServerParameters(command=program, args=arguments, cwd=at, env={**os.environ, **(env or {})})
    async with Client(stdio_client(started)) as client:
        yield Caller(client)


def talked(scene: Callable[[], Awaitable[None]]) -> None:
    """Play a scene to its end."""

    async def timed() -> None:
        with anyio.fail_after(PATIENCE):
            await scene()

    anyio.run(timed)


async def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds anything; the scene's own time limit ends it."""
    while not (found := await anyio.to_thread.run_sync(look)):
        await anyio.sleep(0.02)
    return found
