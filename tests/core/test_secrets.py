"""What looks like a credential, and what must not: false alarms teach people to ignore the warning.

Nothing here is a real credential, and the made-up ones are joined at run time so that no scanner stumbles over this
file.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from gitcoord.core import secrets
from gitcoord.core.secret_hints import is_suspicious


def looks_secret(key: str, value: Any) -> str | None:
    """As when a value is shared: only what is suspicious at all is looked at. Whatever is found must have been."""
    found = secrets.looks_secret(key, value)
    assert found is None or is_suspicious(key, value)
    return found


LETTERS = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7dEf0hIj3kLm6n"


def joined(*parts: str) -> str:
    return "".join(parts)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (joined("AKI", "AQ7XHTLPV2MWDK5SN"), "an AWS access key id"),
        (joined("aws_access_key_id = ASI", "AQ7XHTLPV2MWDK5SN\n"), "an AWS access key id"),
        (joined("gh", "p_", LETTERS[:36]), "a GitHub token"),
        (joined("token: gh", "s_", LETTERS[:40], "."), "a GitHub token"),
        (joined("github", "_pat_", LETTERS[:22], "_", (LETTERS * 2)[:59]), "a GitHub token"),
        (joined("gl", "pat-", LETTERS[:20]), "a GitLab token"),
        (joined("xo", "xb-123456789012-", LETTERS[:24]), "a Slack token"),
        (joined("https://hooks.slack.com/", "services/T0123ABCD/B0123ABCD/", LETTERS[:24]), "a Slack webhook"),
        (joined("sk", "-ant-api03-", LETTERS), "an Anthropic API key"),
        (joined("sk", "-proj-", LETTERS), "an OpenAI-style API key"),
        (joined("export OPENAI_API_KEY=sk", "-", LETTERS), "an OpenAI-style API key"),
        (joined("sk", "_live_", LETTERS[:24]), "a Stripe key"),
        (joined("AI", "za", LETTERS[:35]), "a Google API key"),
        (joined("np", "m_", LETTERS[:36]), "an npm token"),
        (joined("py", "pi-AgEIcHlwaS5vcmc", LETTERS * 2), "a PyPI token"),
        (joined("h", "f_", "abcdefghijklmnopqrstuvwxyzABCDEFGH"), "a Hugging Face token"),
        (joined("Bearer ey", "J0eXAiOiJKV1QiLCJh.ey", "JzdWIiOiIxMjM0NTY3.", LETTERS), "a JSON web token"),
        (joined("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"), "a private key"),
        (joined("-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3Bl"), "a private key"),
        (joined("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\n"), "a private key"),
        ("postgres://app:Hx7-q2Lw@db.internal:5432/app", "a password in a URL"),
        ("redis://:Hx7q2Lw9@cache:6379", "a password in a URL"),
    ],
)
def test_known_formats_are_recognised_under_any_key(value: str, kind: str) -> None:
    assert looks_secret("note", value) == kind
    assert looks_secret("config", {"list": [1, None, {"deep": value}]}) == kind
    assert looks_secret("config", {value: True}) == kind


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "Tr0ub4dor&3"),
        ("db_password", "hunter2-Hx7q2Lw9"),
        ("DBPASSWORD", "x9!kQ2#vLp"),
        ("clientSecret", "8f14e45fceea167a5a36dedd4bea2543"),
        ("API_KEY", "q7Zt0Xc4Vb8Nm2Ls"),
        ("service.api-key", "q7Zt0Xc4Vb8Nm2Ls"),
        ("aws/secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzQ81kLmN0p"),
        ("token", "9b74c9897bac770ffc029102a200c5de"),
        ("accessToken", "ya29.a0AfH6SMBx7Q"),
    ],
)
def test_irregular_values_under_secret_names_are_recognised(key: str, value: str) -> None:
    assert looks_secret(key, value) == f"a secret, by its key '{key}'"
    assert looks_secret("config", {key: value}) == f"a secret, by its key '{key}'"
    assert looks_secret("note", value) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("note", text) for text in ("", "short", "a plain sentence about tokens and passwords", "x" * 65536)),
        ("commit", "7e2ac46f9a3b05d7a1c9e8d4b2f60718293a4b5c"),
        ("id", "550e8400-e29b-41d4-a716-446655440000"),
        ("session_token", "550e8400-e29b-41d4-a716-446655440000"),
        ("image", "registry.example.org/app@sha256:" + "9f86d081884c7d659a2feaa0c55ad015" * 2),
        ("url", "https://github.com/org/repo/pull/15?x=1#discussion_r123456789"),
        ("url", "postgres://app:$DB_PASSWORD@db/app"),
        ("url", "postgres://user:password@localhost/db"),
        ("url", "https://user:<your-token>@host/x.git"),
        ("url", "https://[::1]:8080/@scope/name"),
        ("npm", "npm_config_registry and npm_lifecycle_event_for_all_the_packages"),
        ("branch", "coord/task-implementation-of-something-with-many-words-2"),
        ("branch", "fix-sk-learn-pipeline-with-a-rather-long-name-2024"),
        ("package", "sk-learn-contrib-extension-package-name-0001"),
        ("key", joined("AKI", "AIOSFODNN7EXAMPLE")),
        ("class", "AKIAbstractFactoryBean"),
        ("public", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQ"),
        ("certificate", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE"),
        ("password", "$DB_PASSWORD"),
        ("password", "{{ vault.db_password }}"),
        ("password", "changeme123!"),
        ("password", "********"),
        ("password", "ask Ada in the office"),
        ("password", "not-needed"),
        ("password_policy", "min-12-characters-2-digits"),
        ("secret", "vault:secret/data/db#password1"),
        ("secret", "op://Private/db/password1"),
        ("secrets_reviewed_by", "backend-api-2"),
        ("credentials", "config/credentials-2024.json"),
        ("credentials", "~/.aws/credentials-2024"),
        ("token", "s-7k2mq4xw3e"),
        ("token", "12345678901"),
        ("token", "refs/coord/tasks/15"),
        ("token_count", "128k-context-4096"),
        ("tokenizer", "cl100k_base-2024"),
        ("next", "migration_0042_add_users_table"),
        ("sort_key", "created_at-2024"),
        ("monkey", "Ab3dEf6hIj9k"),
    ],
)
def test_ordinary_values_raise_no_alarm(key: str, value: str) -> None:
    assert looks_secret(key, value) is None


@pytest.mark.parametrize("value", [None, True, 3, 1.5, [], {}, [1, [2]], {"token": 3}, {"password": None}])
def test_what_is_no_text_is_no_secret(value: Any) -> None:
    assert looks_secret("token", value) is None


def test_nesting_has_no_limit() -> None:
    value: Any = joined("gh", "p_", LETTERS[:36])
    for _ in range(5000):
        value = [value]
    assert looks_secret("note", value) == "a GitHub token"


@pytest.mark.parametrize(
    "piece", ["a", "eyJ", "eyJ.", "sk-", "-sk-", "://", "://a:", "xoxb-", "ghp_", "-----BEGIN ", "\n"]
)
def test_the_search_stays_quick_on_hostile_values(piece: str) -> None:
    start = time.process_time()
    looks_secret("password", (piece * 65536)[:65536])
    assert time.process_time() - start < 0.5
