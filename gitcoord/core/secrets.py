"""Does a value look like a credential? A warning before it is shared, never a decision.

Shared data is readable by whoever can fetch, and history keeps it. Known formats are recognised by their fixed
beginnings (as their issuers publish them); anything else only under a key that is named like a secret, and only when
the value is as irregular as secrets are. Few false alarms matter more than every find: a warning that is often wrong is
not read.
"""

from __future__ import annotations

import math
import re

from gitcoord.lean import Any

_START = r"(?<![A-Za-z0-9_\-])"  # also keeps the search linear: no format begins in the middle of a word

_FORMATS: tuple[tuple[str, str], ...] = (
    ("an AWS access key id", _START + r"(?:AKIA|ASIA|ABIA|ACCA)(?![A-Z2-7]*EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("a GitHub token", _START + r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9]{20,30}_[A-Za-z0-9]{40,80})"),
    ("a GitLab token", _START + r"gl(?:pat|ptt|rt|dt|cbt)-(?=[A-Za-z_\-]*[0-9])[A-Za-z0-9_\-]{20,255}"),
    ("a Slack token", _START + r"(?:xox[abeoprs]|xapp)-[0-9A-Za-z]*[0-9][0-9A-Za-z\-]{9,255}"),
    ("a Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9]{6,20}/[A-Za-z0-9/]{12,80}"),
    ("an Anthropic API key", _START + r"sk-ant-[A-Za-z0-9]{2,12}-[A-Za-z0-9_\-]{20,255}"),
    (
        "an OpenAI-style API key",
        _START + r"sk-(?=[A-Za-z_\-]*[0-9])(?=[a-z0-9_\-]*[A-Z])[A-Za-z0-9_\-]{20,255}",
    ),
    ("a Stripe key", _START + r"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,255}"),
    ("a Google API key", _START + r"AIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])"),
    ("an npm token", _START + r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("a PyPI token", _START + r"pypi-AgE[A-Za-z0-9_\-]{50,500}"),
    ("a Hugging Face token", _START + r"hf_[A-Za-z]{34}(?![A-Za-z0-9])"),
    ("a JSON web token", _START + r"eyJ[A-Za-z0-9_\-]{8,4000}\.eyJ[A-Za-z0-9_\-]{8,8000}\.[A-Za-z0-9_\-]{16,2000}"),
    ("a private key", r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ("a PuTTY private key", r"PuTTY-User-Key-File-[23]: "),
)

_URL_PASSWORD = re.compile(r"://[^\s:/@]{0,100}:([^\s/@]{3,200})@[A-Za-z0-9.\[]")
_SECRET_KEY = re.compile(
    r"(?:password|passwd|passphrase|secret|"
    r"(?:^|[._/ ])(?:pwd|(?:api|access|secret|private|auth)_?key|(?:access_?|auth_?)?token|credentials?))(?:_value)?$"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REFERENCE = re.compile(r"(?:[a-z][a-z0-9+.\-]{0,20}:|[$<{%./~]|refs/|s-[a-z2-7]{10}$)", re.IGNORECASE)
_FILE = re.compile(r"[\w.\-]+(?:/[\w.\-]+)+\.[A-Za-z]\w{0,5}$")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)

_KEY = r"PRIVATE KEY[A-Z ]{0,6}-----(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z0-9 ]{1,60}-----)?"
_KEY_BLOCK = r"-----BEGIN [A-Z0-9 ]{0,60}" + _KEY
_BEARER = r"(?i:\bbearer)[ ]+[A-Za-z0-9._~+/\-]{16,2000}=*"
_PAIR = r"""(?<![\w.\-])([\w.\-]{1,80})(\\{0,3}["']?\s{0,3}(?::|=>?)\s{0,3}\\{0,3}["']?)([^\s"'\\,;]{8,500})"""

_compiled: list[tuple[str, re.Pattern[str]]] = []


def looks_secret(key: str, value: Any) -> str | None:
    """What ``value`` (JSON, searched to its leaves) looks like under ``key``: ``a GitHub token``; None for nothing."""
    left = [(key, value)]
    while left:
        name, item = left.pop()
        if isinstance(item, dict):
            left += [("", str(inner)) for inner in item]
            left += [(str(inner), below) for inner, below in item.items()]
        elif isinstance(item, list | tuple):
            left += [(name, below) for below in item]
        elif isinstance(item, str) and len(item) >= 8 and (kind := _format(item) or _irregular(name, item)):
            return kind
    return None


def masked(text: str) -> tuple[str, int]:
    """``text`` with everything that looks like a secret replaced by what it looks like, and how often that was.

    Also within the text of other texts: JSON in JSON, a shell's output in a transcript.
    """
    _format("")
    whole = [("a private key", re.compile(_KEY_BLOCK)), *_compiled, ("an access token", re.compile(_BEARER))]
    count = 0
    for kind, pattern in whole:
        text, found = pattern.subn(f"[masked: {kind}]", text)
        count += found

    def url(match: re.Match[str]) -> str:
        return match[0] if _is_placeholder(match[1]) else match[0].replace(f":{match[1]}@", ":[masked]@")

    def pair(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}[masked]" if _irregular(match[1], match[3]) else match[0]

    for pattern, mask in ((_URL_PASSWORD, url), (re.compile(_PAIR), pair)):
        before = text.count("[masked")
        text = pattern.sub(mask, text)
        count += text.count("[masked") - before
    return text, count


def _format(value: str) -> str | None:
    if not _compiled:  # on first use: compiling costs more than everything else a command does here
        _compiled.extend((kind, re.compile(pattern)) for kind, pattern in _FORMATS)
    for kind, pattern in _compiled:
        if pattern.search(value):
            return kind
    for password in _URL_PASSWORD.findall(value):
        if not _is_placeholder(password):
            return "a password in a URL"
    return None


def _irregular(key: str, value: str) -> str | None:
    """A secret by the name of its key: words, references, numbers, paths and placeholders under it are none."""
    name = _HUMP.sub("_", key).lower().replace("-", "_")
    if not _SECRET_KEY.search(name) or not 8 <= len(value) <= 500 or any(sign.isspace() for sign in value):
        return None
    if _is_placeholder(value) or _REFERENCE.match(value) or _FILE.match(value) or _UUID.match(value):
        return None
    kinds = sum(map(any, ((s.islower() for s in value), (s.isupper() for s in value), (s.isdigit() for s in value))))
    signs = any(not sign.isalnum() and sign not in "-_." for sign in value)
    if kinds + signs >= 2 and (any(s.isdigit() for s in value) or signs) and _entropy(value) >= 2.7:
        return f"a secret, by its key {key[:50]!r}"
    return None


def _is_placeholder(text: str) -> bool:
    """``$DB_PASSWORD``, ``<password>``, ``{{token}}``, ``********``, ``changeme`` and their like."""
    plain = text.strip("\"'").lower()
    return (
        plain[:1] in ("$", "<", "{", "%", "[")
        or len(set(plain)) < 4
        or plain in ("password", "passwd", "secret", "token")
        or any(word in plain for word in ("example", "changeme", "placeholder", "redacted", "your", "dummy"))
    )


def _entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits each."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in map(text.count, set(text)))
