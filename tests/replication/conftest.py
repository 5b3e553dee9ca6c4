"""The fixtures of these tests."""

from tests.support.processes import processes

__all__ = ["processes"]
