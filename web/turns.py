"""Turns: how many questions of each account the history has at a time, so that none keeps the others waiting.

The history takes some questions of a connection at once, and one that waits for a sequence (`at_least`) keeps its place
for seconds; an instance has one connection for all its accounts. Reached as `house.turns`; taken by `web.rest.past` and
`web.rest.positions`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bus.errors import NotTaken
from bus.protocol.reasons import NOT_YET
from web.errors import CONFLICT, RATE_LIMITED, Refusal

#: Of an account. A page asks for open orders, executions and an order at once; the history takes 32 of all.
QUESTIONS_AT_ONCE_MAX: Final = 4


class Turns:
    """See above."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    @contextmanager
    def of(self, account: str) -> Iterator[None]:
        """One of an account's turns, until the block ends. Raises Refusal when it has none left."""
        taken = self._taken.get(account, 0)
        if taken >= QUESTIONS_AT_ONCE_MAX:
            raise Refusal(
                RATE_LIMITED,
                f"{taken} questions of this account wait for the history already",
                headers={"Retry-After": "1"},
            )
        self._taken[account] = taken + 1
        try:
            yield
        finally:
            if self._taken[account] == 1:
                del self._taken[account]
            else:
                self._taken[account] -= 1

    @contextmanager
    def fresh(self, account: str) -> Iterator[None]:
        """One turn. Raises Refusal as well where the history has not come to the sequence that the caller named."""
        try:
            with self.of(account):
                yield
        except NotTaken as refused:
            if refused.reason == NOT_YET:
                raise Refusal(NOT_YET, str(refused), "at_least", {"Retry-After": "1"}, CONFLICT) from None
            raise
