"""How each agent wants to hear it: a context, a denial, a warning, a reminder, as the document its hooks may print.

Claude Code, Codex and VS Code share one form (``hookSpecificOutput``); Gemini, Copilot and Cursor have their own. An
agent that is not known is denied by exit 2 and a line on standard error, which all of them understand but Copilot.
"""

from __future__ import annotations

from gitcoord.agents.hook import NOTHING, Answer
from gitcoord.agents.hook_payload import Call
from gitcoord.lean import Any, msgspec

_OUTPUT = "hookSpecificOutput"


def context(call: Call, text: str, sid: str = "") -> Answer:
    """Facts for the agent, at the start of a session or with a prompt."""
    if call.agent == "cursor":
        if call.event != "start":
            return NOTHING  # a prompt takes no context there
        return _answer({"additional_context": text, "env": {"GIT_COORD_SESSION": sid}})
    specific = {_OUTPUT: {"hookEventName": call.said, "additionalContext": text}}
    return _answer({"additionalContext": text, **specific} if call.agent == "copilot" else specific)


def deny(call: Call, why: str) -> Answer:
    """The edit must not happen: by the agent's own word for that, else by exit 2."""
    decision = {"permissionDecision": "deny", "permissionDecisionReason": why}
    specific = {_OUTPUT: {"hookEventName": call.said, **decision}}
    if call.agent in ("claude", "codex", "vscode"):
        return _answer(specific)
    if call.agent == "copilot":
        return _answer({**decision, **specific})
    if call.agent == "gemini":
        return _answer({"decision": "deny", "reason": why})
    if call.agent == "cursor":
        return _answer({"permission": "deny", "user_message": why, "agent_message": why})
    return Answer(err=why, code=2)


def warn(call: Call, text: str) -> Answer:
    """The edit goes on, and somebody should know: ``coord.guard = warn``."""
    if call.agent in ("claude", "codex", "vscode", "gemini"):
        return _answer({"systemMessage": text})
    return Answer(err=text)


def remind(call: Call, text: str) -> Answer:
    """Facts when the agent has finished: it hears them once and may go on or stop."""
    if call.agent == "cursor":
        return _answer({"followup_message": text})
    if call.agent in ("claude", "codex", "vscode", "copilot", "gemini"):
        return _answer({"decision": "deny" if call.agent == "gemini" else "block", "reason": text})
    return Answer(err=text)


def _answer(document: dict[str, Any]) -> Answer:
    return Answer(out=msgspec.json.encode(document).decode())
