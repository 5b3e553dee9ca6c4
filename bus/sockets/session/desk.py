"""The desk of a client: what a trader says becomes commands, in decimals. The same for every shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Unpack

from bus.protocol.commands import Command, Transfer
from bus.protocol.terms import ALL_OR_NOTHING, VALIDATE_ONLY
from bus.sockets.session import orders
from bus.sockets.session.answers import A, Pending
from bus.sockets.session.operating import Operating
from bus.sockets.session.orders import Instructions, OrderName, Word
from bus.sockets.session.prices import Number
from bus.sockets.session.unanswered import Saying

#: Further away than any deadline, and a number of nanoseconds still.
_DEADLINE_S_MAX: Final = 10**9


class Desk(Operating[A]):
    """What both clients have in common. Not used by itself."""

    def enter(
        self,
        symbol: str,
        side: Word,
        quantity: Number,
        price: Number | None = None,
        *,
        time_in_force: Word | None = None,
        order_type: Word | None = None,
        post_only: bool = False,
        client_order_id: str | None = None,
        validate_only: bool = False,
        deadline: float | None = None,
        **instructions: Unpack[Instructions],
    ) -> A:
        """Enter an order; the answer is Accepted, Rejected or Duplicate. Its fills are reports.

        Prices and quantities are exact: Decimal, text or int. Without a price it is a market order. The time in force
        is GTC, for a market order IOC. `client_order_id` is made up when it is not given; it is in what is returned.
        Further instructions: `display`, `hidden`, `trigger`, `trail`, `peg`, `self_trade`, ...: see `Instructions`.
        `validate_only` and `deadline`: see `batch`.
        Raises OffTick, OffLot, UnknownSymbol, ValueError, TypeError (nothing was sent), Busy, SessionOver.
        """
        if validate_only or deadline is not None:
            with self.batch(validate_only=validate_only, deadline=deadline):
                return self.enter(
                    symbol,
                    side,
                    quantity,
                    price,
                    time_in_force=time_in_force,
                    order_type=order_type,
                    post_only=post_only,
                    client_order_id=client_order_id,
                    **instructions,
                )
        pending = self._new_pending(symbol, client_order_id or self._new_id())
        self._give(
            pending,
            symbol,
            lambda scale: orders.enter_order(
                scale,
                pending.client_order_id,
                side,
                quantity,
                price,
                time_in_force,
                order_type,
                post_only,
                instructions,
            ),
        )
        return pending

    @contextmanager
    def batch(
        self, *, all_or_nothing: bool = False, validate_only: bool = False, deadline: float | None = None
    ) -> Iterator[None]:
        """What is asked for inside leaves as one message, when the block ends; nothing does when it raises.

        `all_or_nothing`: every command is taken, in turn, or none. `validate_only`: nothing happens; a command that
        would be taken is answered with Completed of 0, any other with Rejected. `deadline`: what the engine would carry
        out more than so many seconds after the block ends is rejected (`too_late`). The symbols must be known.
        """
        if self._collected is not None:
            raise ValueError("a batch is inside no other")
        if deadline is not None and not 0 < deadline <= _DEADLINE_S_MAX:
            raise ValueError("a deadline is some seconds from now")
        collected: list[tuple[A, Command]] = []
        self._collected = collected
        try:
            yield
        finally:
            self._collected = None
        if collected:
            options = ALL_OR_NOTHING if all_or_nothing else 0
            options |= VALIDATE_ONLY if validate_only else 0
            self._put_all(collected, Saying(options, round((deadline or 0) * 10**9)))

    def cancel(self, order: A | OrderName) -> A:
        """Cancel an open order: what `enter` gave, its client_order_id (text) or its order_id (number).

        Answered with Cancelled or Rejected. After a reconnect in which reports were lost, a Rejected that says
        `unknown_order` or `order_ended` may be about an order which this very cancel has ended.
        """
        pending = self._new_pending("", "")
        self._put(pending, orders.cancel_order(_name(order)))
        return pending

    def replace(
        self,
        order: A | OrderName,
        *,
        price: Number | None = None,
        quantity: Number | None = None,
        symbol: str = "",
        request_id: str | None = None,
    ) -> A:
        """Give an open order a new price, a new whole quantity, or both. `symbol` is needed when only an id is given.

        Answered with Replaced, Cancelled (it was filled so far already), Rejected or Duplicate.
        """
        symbol = symbol or ("" if isinstance(order, str | int) else order.symbol)
        if not symbol:
            raise ValueError("an order that is named by its id is replaced with its symbol")
        pending = self._new_pending(symbol, request_id or self._new_id())
        name = _name(order)
        self._give(
            pending,
            symbol,
            lambda scale: orders.replace_order(scale, pending.client_order_id, name, price, quantity),
        )
        return pending

    def quote(
        self,
        symbol: str,
        side: Word,
        quantity: Number,
        price: Number | None = None,
        *,
        request_id: str | None = None,
    ) -> A:
        """Quote one side of an instrument, in the place of the account's last quote of it; quantity 0 ends that one.

        Answered with Accepted (a new order, of this id), Replaced (the last one stays in its place and is smaller),
        Completed (it has ended), Rejected or Duplicate.
        """
        pending = self._new_pending(symbol, request_id or self._new_id())
        self._give(
            pending,
            symbol,
            lambda scale: orders.quote(scale, pending.client_order_id, side, quantity, price),
        )
        return pending

    def mass_cancel(self, symbol: str = "", side: Word | None = None) -> A:
        """Cancel all open orders of the account, of one symbol and side or all. Answered with Completed or Rejected."""
        pending = self._new_pending("", "")
        self._put(pending, orders.mass_cancel(symbol, side))
        return pending

    def transfer(
        self,
        source: str,
        target: str,
        asset: str,
        amount: int,
        *,
        transfer_id: str | None = None,
        why: str = "",
    ) -> A:
        """Move whole units of an asset: a trader from its own account within its family, an operator between any.

        A deposit comes from `venue:external`, a withdrawal goes there. Answered with Completed, Rejected or Duplicate.
        """
        pending = self._new_pending("", transfer_id or self._new_id())
        name = pending.client_order_id
        self._put(pending, Transfer(name, source, target, asset, amount, orders.checked_note(why)))
        return pending

    def cancel_all_after(self, seconds: float) -> A:
        """Let all open orders of the account be cancelled so long from now, unless this is said again before.

        0 stops the countdown. It is the account's: whichever client says it again. Answered with Completed or Rejected.
        """
        pending = self._new_pending("", "")
        self._put(pending, orders.cancel_all_after(seconds))
        return pending


def _name(order: Pending | OrderName) -> OrderName:
    return order if isinstance(order, str | int) else order.client_order_id
