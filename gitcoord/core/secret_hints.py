"""Whether a value is worth a look by ``secrets``, whose patterns take 8 ms to make: nearly none is.

Changes together with ``secrets``: whatever looks secret there must be worth a look here.
"""

from __future__ import annotations

from gitcoord.lean import Any

_BEGINNINGS = (
    "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glptt-", "glrt-",
    "gldt-", "glcbt-", "xox", "xapp-", "hooks.slack.com", "sk-", "sk_", "rk_", "whsec_", "AIza", "npm_", "pypi-", "hf_",
    "eyJ", "PRIVATE KEY", "PuTTY-", "://",
)  # fmt: skip
_KEYS = ("pass", "pwd", "secret", "key", "token", "credential")


def is_suspicious(key: str, value: Any) -> bool:
    """Whether something in it begins like a known credential, or is kept under a name like one's."""
    try:
        text = value if isinstance(value, str) else str(value)
    except RecursionError:
        return True
    named = f"{key} {'' if isinstance(value, str) else text}".lower()
    return any(sign in text for sign in _BEGINNINGS) or any(word in named for word in _KEYS)
