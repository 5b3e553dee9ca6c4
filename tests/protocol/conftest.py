"""What the tests of the protocol start: processes of the command line."""

from tests.support.processes import processes

__all__ = ["processes"]
