"""Fixtures of the coordinator's tests: the coordinated repositories of the fault tests, on either clock."""

from __future__ import annotations

from tests.faults.conftest import clock, office, timed

__all__ = ["clock", "office", "timed"]
