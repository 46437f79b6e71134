"""Small programs in the place of agents: they read the hooks in an agent's own settings as it does, and run them.

By each agent's documentation: which file, how a matcher is meant, through which shell, and what the exit status means.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the hooks of one event said together."""

    denied: bool
    reasons: str
    printed: str
    codes: tuple[int, ...]


@dataclass(frozen=True)
class StandIn:
    """An agent at work in ``place``."""

    agent: str
    place: Path
    session: str = "11111111-2222-3333-4444-555555555555"

    def fire(self, event: str, tool: str | None = None, **more: Any) -> Answer:
        """Run the hooks of ``event`` with what the agent would say."""
        said: dict[str, Any] = {"hook_event_name": event, "cwd": str(self.place), **more}
        said["conversation_id" if self.agent == "cursor" else "session_id"] = self.session
        if self.agent == "cursor":
            said["workspace_roots"] = [str(self.place)]
        if tool is not None:
            said["tool_name"] = tool
        ran = [self._run(command, json.dumps(said)) for command in self._commands(event, tool)]
        codes = tuple(done.returncode for done in ran)
        said_no = [done.stderr + done.stdout for done in ran if self._denies(done.returncode, done.stdout)]
        return Answer(bool(said_no), "".join(said_no), "".join(done.stdout for done in ran), codes)

    def _denies(self, code: int, out: str) -> bool:
        """Copilot denies after any failure of this hook, the others after status 2; all of them read a decision."""
        if code != 0:
            return code == 2 or self.agent == "copilot"
        answer = json.loads(out) if out.startswith("{") else {}
        decision = {
            "gemini": answer.get("decision"),
            "cursor": answer.get("permission"),
            "copilot": answer.get("permissionDecision"),
        }.get(self.agent, answer.get("hookSpecificOutput", {}).get("permissionDecision"))
        return decision in ("deny", "block")

    def _commands(self, event: str, tool: str | None) -> list[str]:
        groups = self._settings().get("hooks", {}).get(event, [])
        found = []
        for group in groups:
            matcher = group.get("matcher", "")
            if tool is not None and matcher not in ("", "*") and not re.fullmatch(matcher, tool):
                continue
            found += [handler["command"] for handler in group.get("hooks", [group])]
        return found

    def _settings(self) -> Any:
        name = {
            "claude": ".claude/settings.json",
            "codex": ".codex/hooks.json",
            "gemini": ".gemini/settings.json",
            "cursor": ".cursor/hooks.json",
            "copilot": ".github/hooks/gitcoord.json",
        }[self.agent]
        return json.loads((self.place / name).read_text())

    def _run(self, command: str, said: str) -> subprocess.CompletedProcess[str]:
        shell = os.environ.get("SHELL", "/bin/sh") if self.agent == "codex" else "/bin/sh"
        return subprocess.run(
            [shell, "-c", command], cwd=self.place, input=said, capture_output=True, text=True, timeout=60
        )
