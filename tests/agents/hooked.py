"""A stand-in for a coding agent: a process of its own that calls its hooks as agents do, through a shell, with JSON.

As a program it reads one call a line and answers with what the hook did; ``Agent`` is the side of the test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

HOOK = f'"{sys.executable}" -m gitcoord hook agent'


@dataclass(frozen=True)
class Heard:
    """What a hook said to the agent."""

    code: int
    out: str
    err: str

    @property
    def context(self) -> str:
        """The context in the form that most agents take."""
        return str(json.loads(self.out)["hookSpecificOutput"]["additionalContext"])

    @property
    def silent(self) -> bool:
        return (self.code, self.out, self.err) == (0, "", "")


class Agent:
    """An agent that runs in ``cwd``, with a conversation of its own."""

    def __init__(
        self, cwd: Path, session_id: str, *, name: str = "claude", env: Mapping[str, str] | None = None
    ) -> None:
        self.cwd = cwd
        self.session_id = session_id
        self.command = f"{HOOK} --agent {name}" if name else HOOK
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.die()

    def die(self) -> None:
        """kill -9: no hook is called any more."""
        self.process.kill()
        self.process.communicate()

    def hook(self, event: str, *, times: int = 1, **fields: Any) -> Heard:
        """Call the hook (``times`` at once, like one that is configured twice); the first answer."""
        payload = {"session_id": self.session_id, "cwd": str(self.cwd), "hook_event_name": event, **fields}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"payload": payload, "command": self.command, "times": times}) + "\n")
        self.process.stdin.flush()
        return Heard(**json.loads(self.process.stdout.readline()))


def serve() -> None:
    """The agent's own process."""
    for line in sys.stdin:
        call = json.loads(line)
        running = [
            subprocess.Popen(
                ["/bin/sh", "-c", call["command"] + "; exit $?"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(call["times"])
        ]
        done = [(one, *one.communicate(json.dumps(call["payload"]))) for one in running]
        first, out, err = done[0]
        print(json.dumps({"code": first.returncode, "out": out, "err": err}), flush=True)


if __name__ == "__main__":
    serve()
