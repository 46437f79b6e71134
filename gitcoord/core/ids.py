"""Identifiers: session ids and nonces from random bytes that the caller brings, and where agents export their own."""

from __future__ import annotations

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

AGENT_IDS = (
    ("CLAUDE_CODE_SESSION_ID", "claude"),
    ("CLAUDE_SESSION_ID", "claude"),
    ("CODEX_THREAD_ID", "codex"),
    ("GEMINI_SESSION_ID", "gemini"),
)
"""Variables in which an agent's shell finds its own session id, and which agent that is; the first one counts."""

SESSION_BYTES = 10
NONCE_BYTES = 8


def session_id(random: bytes) -> str:
    """``s-`` and ten base-32 characters (50 bits) from ten random bytes."""
    return "s-" + "".join(_ALPHABET[byte & 31] for byte in random[:SESSION_BYTES])


def repository_id(random: bytes) -> str:
    """``r-`` and ten base-32 characters from ten random bytes."""
    return "r-" + session_id(random)[2:]


def nonce(random: bytes) -> str:
    """Sixteen hex digits. Not optional: equal content gives an equal oid, and then two writers both win."""
    return random[:NONCE_BYTES].hex()
