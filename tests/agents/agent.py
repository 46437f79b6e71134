"""A stand-in for an agent: finds its places by the same variables and files, and writes there as an agent would.

Started as a program of its own, with nothing but the standard library. Words it understands, done in order:
``say TEXT`` (history), ``todo TEXT``, ``snapshot TEXT``, ``debug TEXT``, ``skills`` (prints those it sees), ``env``
(prints its environment as JSON), ``touch FILE``, ``await FILE``, ``exit CODE``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def home() -> Path:
    """The agent's own directory."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")


def place(variable: str, default: str) -> Path:
    """A directory or file of the session, where a variable names one, else in the agent's own directory."""
    return Path(os.environ.get(variable) or home() / default)


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": text, "session": os.environ.get("CLAUDE_SESSION_ID")}) + "\n")


def main(words: list[str]) -> int:
    session = os.environ.get("CLAUDE_SESSION_ID", "none")
    while words:
        match words:
            case ["say", text, *words]:
                append(place("CLAUDE_HISTORY_FILE", "history.jsonl"), text)
            case ["todo", text, *words]:
                append(place("CLAUDE_TODOS_DIR", "todos") / f"{session}.json", text)
            case ["snapshot", text, *words]:
                append(place("CLAUDE_SHELL_SNAPSHOTS_DIR", "shell-snapshots") / "snapshot.sh", text)
            case ["debug", text, *words]:
                append(place("CLAUDE_DEBUG_DIR", "debug") / "latest", text)
            case ["skills", *words]:
                print(json.dumps(sorted(path.name for path in (home() / "skills").glob("*"))), flush=True)
            case ["env", *words]:
                print(json.dumps(dict(os.environ)), flush=True)
            case ["touch", name, *words]:
                Path(name).touch()
            case ["await", name, *words]:
                deadline = time.monotonic() + 60
                while not Path(name).exists():
                    if time.monotonic() > deadline:
                        return 99
                    time.sleep(0.02)
            case ["exit", code, *words]:
                return int(code)
            case _:
                raise SystemExit(f"agent: what is {words[0]!r}?")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
