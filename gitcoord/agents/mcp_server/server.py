"""The protocol: tools and resources over standard input and output, by the official SDK.

The only module that imports the SDK (half a second). Each call works on a thread of its own, so that the event loop
goes on; a call that its client gives up is told so, and stops where it waits. Standard output belongs to the protocol:
the SDK keeps it to itself while it serves, and what else is printed goes to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from threading import Condition, Event
from types import FrameType
from typing import Any
from urllib.parse import unquote

import anyio
import mcp_types as types
from anyio import to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from gitcoord import __version__
from gitcoord.agents.mcp_server import tools, wishes, words
from gitcoord.agents.mcp_server.answer import Answer, Said
from gitcoord.agents.mcp_server.desk import Desk, served
from gitcoord.agents.mcp_server.seat import Seat

_THREADS = 16
_GRACE = 1.0
"""Seconds that calls under way get to end in when the client has gone; it waits two before it becomes impatient."""

_LOG_LENGTH = 50
_TASK_URI = "coord://task/"
_CONTEXT = ServerRequestContext[Any, Any]


class Serving:
    """One server: the seat of its session, and the calls under way."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._calls = 0
        self._quiet = Condition()
        self._limit: anyio.CapacityLimiter | None = None
        self._stops: set[Event] = set()

    def server(self) -> Server[Any]:
        """What speaks the protocol."""
        return Server(
            "gitcoord",
            version=__version__,
            title="git coord",
            instructions=words.INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    def close(self) -> None:
        """The client has gone: let calls end, then the session."""
        for stop in tuple(self._stops):
            stop.set()
        with self._quiet:
            self._quiet.wait_for(lambda: not self._calls, _GRACE)
        self.seat.close()

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _at_desk(self, context: _CONTEXT, verb: str, work: Callable[[Desk], Said]) -> Answer:
        """Do ``work`` on a thread; when nobody waits for it any more, it is told."""
        params = context.session.client_params
        if params is not None and not self.seat.client:
            self.seat.client = params.client_info.name
        stop = Event()
        self._stops.add(stop)
        if self._limit is None:
            self._limit = anyio.CapacityLimiter(_THREADS)
        try:
            return await to_thread.run_sync(
                self._counted, stop, verb, work, abandon_on_cancel=True, limiter=self._limit
            )
        finally:
            stop.set()
            self._stops.discard(stop)

    def _counted(self, stop: Event, verb: str, work: Callable[[Desk], Said]) -> Answer:
        with self._quiet:
            self._calls += 1
        try:
            return served(verb, lambda: self.seat.desk(stop), work)
        finally:
            with self._quiet:
                self._calls -= 1
                self._quiet.notify_all()

    async def _call_tool(self, context: _CONTEXT, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = tools.BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name!r}")
        given = params.arguments or {}
        answer = await self._at_desk(
            context, tool.name, lambda desk: tool.run(self.seat, desk, wishes.understood(tool.wish, given))
        )
        return types.CallToolResult(
            content=[types.TextContent(text=answer.text), types.TextContent(text=answer.json)],
            structured_content=answer.document,
            is_error=answer.failed,
        )

    @staticmethod
    async def _list_tools(context: _CONTEXT, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in tools.TOOLS])

    # -- resources ----------------------------------------------------------------------------------------------------

    @staticmethod
    async def _list_resources(
        context: _CONTEXT, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(
            resources=[
                _resource("coord://status", "status", "Who is here, who holds what, what needs attention."),
                _resource("coord://log", "log", f"The last {_LOG_LENGTH} things that happened."),
            ]
        )

    @staticmethod
    async def _list_templates(
        context: _CONTEXT, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        task = types.ResourceTemplate(
            uri_template=f"{_TASK_URI}{{id}}",
            name="task",
            description="One task: its state, who holds it, progress, handoff and result.",
            mime_type="application/json",
        )
        return types.ListResourceTemplatesResult(resource_templates=[task])

    async def _read_resource(
        self, context: _CONTEXT, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        answer = await self._at_desk(context, "read", self._reader(uri))
        if answer.failed:
            error = answer.document["error"]
            raise MCPError(types.INVALID_PARAMS, answer.text, error)
        text = types.TextResourceContents(uri=uri, mime_type="application/json", text=answer.json)
        return types.ReadResourceResult(contents=[text])

    def _reader(self, uri: str) -> Callable[[Desk], Said]:
        if uri == "coord://status":
            return lambda desk: tools.BY_NAME["status"].run(self.seat, desk, wishes.Nothing())
        if uri == "coord://log":
            return lambda desk: tools.BY_NAME["log"].run(self.seat, desk, wishes.Log(limit=_LOG_LENGTH))
        if uri.startswith(_TASK_URI) and len(uri) > len(_TASK_URI):
            return lambda desk: tools.show(self.seat, desk, unquote(uri.removeprefix(_TASK_URI)))
        raise MCPError(types.INVALID_PARAMS, "there is no such resource", {"uri": uri})


def _described(tool: tools.Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.about,
        input_schema=wishes.schema(tool.wish),
        output_schema=tool.answer(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.again or tool.reads,
            open_world_hint=False,
        ),
    )


def _resource(uri: str, name: str, about: str) -> types.Resource:
    return types.Resource(uri=uri, name=name, description=about, mime_type="application/json")


def serve(start: str, environ: Mapping[str, str]) -> None:
    """Serve the client at standard input until it goes."""
    serving = Serving(Seat(start, environ))
    _end_on_signals(serving)
    try:
        anyio.run(_talk, serving.server())
    finally:
        serving.close()


async def _talk(server: Server[Any]) -> None:
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _end_on_signals(serving: Serving) -> None:
    """SIGTERM and the like are an end like any other. The thread that reads standard input would not notice them."""

    def end(number: int, frame: FrameType | None) -> None:
        serving.close()
        sys.stderr.flush()
        os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
