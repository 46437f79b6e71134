"""Secrets in texts are replaced by what they look like, wherever they stand; nothing else is."""

from __future__ import annotations

import pytest

from gitcoord.core.secrets import looks_secret, masked

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc+/==\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login sk-ant-oat01-abcdefghijABCDEFGH1234567890 ok", "abcdefghijABCDEFGH"),
        ("GITHUB=ghp_" + "a1B2" * 9, "a1B2a1B2"),
        ('{"text": "export DB_PASSWORD=\\"p4ss!word99x\\""}', "p4ss!word99x"),
        ('{"a": "{\\"api_key\\": \\"Zx81Kq77Lm90\\"}"}', "Zx81Kq77Lm90"),
        ("git clone https://bob:hunter22x@example.com/x", "hunter22x"),
        ("Authorization: Bearer abcdefghijklmnop123456", "abcdefghijklmnop"),
        (KEY, "MIIEowIBAAKCAQEA"),
        (KEY.replace("\n", "\\n"), "MIIEowIBAAKCAQEA"),
        (KEY.partition("-----END")[0], "MIIEowIBAAKCAQEA"),
    ],
)
def test_a_secret_in_a_text_is_gone(text: str, secret: str) -> None:
    assert secret in text
    found, count = masked(f"before {text} after")
    assert secret not in found
    assert "[masked" in found
    assert count >= 1
    assert found.startswith("before ")
    assert looks_secret("", found) is None


@pytest.mark.parametrize(
    "text",
    [
        "token: 12345678, and the task's token 3",
        "password=changeme-please",
        "url https://user:${PASSWORD}@host/",
        "session s-7k2mq4xw3e, commit 0123456789abcdef0123456789abcdef01234567",
        '{"api_key": "$API_KEY", "secret": "see docs/secrets.md"}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == (text, 0)


def test_masking_takes_time_in_proportion_to_the_text() -> None:
    for text in ("a" * 200_000, "password=" * 20_000, "-----BEGIN RSA PRIVATE KEY-----" * 2_000, "a:" * 100_000):
        masked(text)  # a quadratic pattern would not come back
