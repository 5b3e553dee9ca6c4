"""Matching: how an order meets the market.

Everything here is sure to be carried out: whether it may be was asked before. Book, ledger and events change together,
trade by trade, so that they agree whenever somebody looks.
"""

from typing import Any

from bus.protocol.feed import LEVEL, ORDER_DELETED, ORDER_EXECUTED, TRADE
from bus.protocol.reasons import (
    FOK_UNFILLED,
    IOC_REMAINDER,
    LINKED,
    MINIMUM_UNFILLED,
    NO_LIQUIDITY,
    PROTECTION_REACHED,
    SELF_TRADE,
)
from bus.protocol.reports import FILLED
from bus.protocol.terms import (
    BUY,
    CANCEL_NEWEST,
    CANCEL_OLDEST,
    CONTINUOUS,
    DECREMENT,
    FOK,
    IOC,
    MAKER,
    MARKET,
    RESTING,
    TAKER,
)
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from bus.protocol.terms import FILLED as STATUS_FILLED
from matcher.book.level import Level, Order
from matcher.book.links import Links, is_first_of_group
from matcher.book.shares import pool_from, shared_lots
from matcher.book.side import BookSide
from matcher.day.phasing import Phasing
from matcher.instruments import Instrument


class Matching(Phasing):
    """What a book does with orders that may be in it."""

    __slots__ = ()

    def execute(self, order: Order, instrument: Instrument) -> None:
        """An active order meets the market: it trades what it may, and the rest of it rests or ends."""
        instructions = order.instructions
        if instrument.phase != CONTINUOUS or (instructions is not None and instructions.for_auction):
            self.collect(order, instrument)
            return
        price = order.price_ticks
        time_in_force = order.time_in_force
        opposite = instrument.book.asks if order.side == BUY else instrument.book.bids
        if time_in_force == FOK:
            if self._available_lots(order, instrument, opposite, order.quantity_lots) < order.quantity_lots:
                self.end_unfilled(order, FOK_UNFILLED)
                return
        elif instructions is not None:
            minimum = instructions.minimum_lots
            if minimum and self._available_lots(order, instrument, opposite, minimum) < minimum:
                self.end_unfilled(order, MINIMUM_UNFILLED)
                return
        best = opposite.best
        if best is not None and (not price or (best.price_ticks - price) * opposite.sign <= 0):
            is_stopped = self.match(order, instrument)
            if order.status != RESTING:
                return
            if is_stopped:
                self.interrupt(order, instrument)
                return
        if time_in_force != IOC:
            self.rest(order, instrument)
        elif order.order_type != MARKET:
            self.end_unfilled(order, IOC_REMAINDER)
        else:
            self.end_unfilled(order, NO_LIQUIDITY if opposite.best is None else PROTECTION_REACHED)

    def match(self, order: Order, instrument: Instrument) -> bool:
        """Trade an order that meets the other side, best level first, at the resting price.

        It stops when the order has ended or meets nothing more, or at a band: whether it did, `interrupt` comes then.
        O(trades).
        """
        opposite = instrument.book.asks if order.side == BUY else instrument.book.bids
        protection = instrument.protection
        limit = order.price_ticks if protection is None else self._reach_ticks(order, instrument, opposite)
        sign = opposite.sign
        pro_rata = instrument.pro_rata
        self.touch(instrument)
        is_stopped = False
        level = opposite.best
        while level is not None:
            price = level.price_ticks
            if limit and (price - limit) * sign > 0:
                own = order.price_ticks
                is_stopped = not own or (price - own) * sign <= 0
                break
            said = len(instrument.orders)
            if pro_rata:
                self._share_level(order, level, instrument)
            else:
                self._match_level(order, level, instrument)
            if len(instrument.orders) != said:
                instrument.levels.append(
                    (LEVEL, self.sequence, opposite.side, price, level.quantity_lots, level.count)
                )
            if level.head is not None:
                break
            opposite.drop(level)
            if order.status != RESTING:
                break
            level = opposite.best
        if self.state.breakers is not None and instrument.last_price_ticks:
            self.state.breakers.observe(instrument)
        return is_stopped

    def _reach_ticks(self, order: Order, instrument: Instrument, opposite: BookSide) -> int:
        """How far an order may go now, as a limit price: its own limit, or a band before it."""
        protection = instrument.protection
        if protection is None:
            return order.price_ticks
        protection.look(self.sequence, instrument.last_price_ticks)
        return protection.reach_ticks(order.side, order.price_ticks, opposite)

    def _match_level(self, order: Order, level: Level, instrument: Instrument) -> None:
        """Price-time: the front of the level trades until there is none, or the order has ended."""
        instructions = order.instructions
        watchful = instructions is not None and instructions.self_trade
        links = _links_of(instrument)
        leaves = order.quantity_lots - order.filled_lots
        while True:
            maker = level.head
            if maker is None:
                return
            if links is not None and links.is_out(order, maker):
                self._take_out_linked(maker, level, instrument)
                continue
            if watchful and _same_owner(order, maker):
                self._prevent(order, maker, level, instrument)
                if order.status != RESTING:
                    return
                leaves = order.quantity_lots - order.filled_lots
                continue
            if links is not None:
                links.traded(maker)
                links.traded(order)
            quantity = maker.shown_lots
            if quantity > leaves:
                quantity = leaves
            leaves -= quantity
            self.trade(order, maker, quantity, level, instrument)
            if not leaves:
                self.end(order, STATUS_FILLED)
                return

    def _share_level(self, order: Order, level: Level, instrument: Instrument) -> None:
        """Pro-rata: what is displayed shares what comes in, then what is hidden, until the order or the level ends.

        Orders of the same owner are met first, all of those who would share, whatever their place.
        Cost: O(orders of the level), and once more for each time that all of its icebergs show a new slice.
        """
        instructions = order.instructions
        watchful = instructions is not None and instructions.self_trade
        links = _links_of(instrument)
        while level.head is not None:
            displayed = level.head is not level.first_hidden
            pool = pool_from(level.head, level.first_hidden if displayed else None)
            if links is not None:
                pool = self._without_linked(order, pool, level, instrument, links)
            if watchful:
                others: list[Order] = []
                for maker in pool:
                    if not _same_owner(order, maker):
                        others.append(maker)
                        continue
                    self._prevent(order, maker, level, instrument)
                    if order.status != RESTING:
                        return
                pool = others
            leaves = order.quantity_lots - order.filled_lots
            shares = shared_lots([maker.shown_lots for maker in pool], leaves, instrument.share_min_lots)
            for at, maker in enumerate(pool):
                if shares[at]:
                    leaves -= shares[at]
                    if links is not None:
                        links.traded(maker)
                        links.traded(order)
                    self.trade(order, maker, shares[at], level, instrument)
            if not leaves:
                self.end(order, STATUS_FILLED)
                return

    def trade(self, taker: Order, maker: Order, quantity: int, level: Level, instrument: Instrument) -> None:
        """One trade at the maker's price: of both orders, of the level, and all that is said about it."""
        # book
        sequence = self.sequence
        time_ns = self.time_ns
        symbol = instrument.symbol
        # As Any: see Reporting.
        trade_id: Any = instrument.next_trade_id
        price: Any = level.price_ticks
        traded: Any = quantity
        instrument.next_trade_id += 1
        instrument.last_price_ticks = price
        maker.filled_lots = maker_filled = maker.filled_lots + quantity
        maker.shown_lots = shown = maker.shown_lots - quantity
        maker_leaves = maker.quantity_lots - maker_filled
        taker.filled_lots = filled = taker.filled_lots + quantity
        taker.shown_lots = leaves = taker.quantity_lots - filled
        # events
        account = maker.account
        reports = account.reports
        if not reports:
            self.outputs.accounts.append(account)
        reports.append(
            (
                FILLED,
                sequence,
                time_ns,
                0,
                0,
                maker.sequence,
                maker.request_id,
                symbol,
                maker.side,
                trade_id,
                price,
                traded,
                maker_filled,
                maker_leaves,
                MAKER,
            )
        )
        taker.account.reports.append(
            (
                FILLED,
                sequence,
                time_ns,
                self.session,
                self.correlation_id,
                taker.sequence,
                taker.request_id,
                symbol,
                taker.side,
                trade_id,
                price,
                traded,
                filled,
                leaves,
                TAKER,
            )
        )
        instrument.trades.append((TRADE, sequence, time_ns, trade_id, price, traded, taker.side))
        kept = instrument.kept.items
        kept.append(maker)
        kept.append(taker)
        kept.append(price)
        kept.append(traded)
        if len(kept) >= self.kept_items_max:
            instrument.kept.trim(self.kept_max)
        public_id = maker.public_id
        if public_id:
            level.quantity_lots -= quantity
            instrument.orders.append((ORDER_EXECUTED, sequence, public_id, traded, shown, trade_id))
        else:
            level.reserve_lots -= quantity
        # ledger
        ledger = self.state.ledger
        if ledger is not None:
            buyer, seller = (taker, maker) if taker.side == BUY else (maker, taker)
            self.settle(ledger, buyer, seller, trade_id, price, traded, taker.side)
        if account.limits is not None:
            self.count_fill(maker, quantity, traded * price)
        if taker.account.limits is not None:
            self.count_fill(taker, quantity, traded * price)
        if not maker_leaves:
            level.leave(maker)
            self.end(maker, STATUS_FILLED)
        elif not shown:
            self.show_next_slice(maker, level, instrument)

    def move(
        self, order: Order, instrument: Instrument, request_id: str, price_ticks: int, quantity_lots: int
    ) -> None:
        """An order goes to the back of the level of its new price, and may trade on the way."""
        level = self.leave(order, instrument)
        if level.price_ticks != price_ticks and order.public_id:
            self.publish_level(instrument, level)
        order.price_ticks = price_ticks
        order.quantity_lots = quantity_lots
        order.shown_lots = quantity_lots - order.filled_lots
        self.back(order)
        self.report_replaced(order, request_id, False)
        if instrument.phase == CONTINUOUS:
            self.come_to_rest(order, instrument)
        else:
            self.rest(order, instrument)

    def come_to_rest(self, order: Order, instrument: Instrument) -> None:
        """An order that was in the book before comes to another price of it: it trades what it may, and rests."""
        is_stopped = False
        if instrument.book.would_trade(order.side, order.price_ticks):
            is_stopped = self.match(order, instrument)
            if order.status != RESTING:
                return
        if is_stopped:
            self.interrupt(order, instrument)
        else:
            self.rest(order, instrument)

    # Orders of which one cancels the others: no two of them trade, also not in one sweep.

    def _take_out_linked(self, maker: Order, level: Level, instrument: Instrument) -> None:
        """An order that is met when another one of its group has traded ends instead."""
        if maker.public_id:
            instrument.orders.append((ORDER_DELETED, self.sequence, maker.public_id))
        level.leave(maker)
        self.end(maker, STATUS_CANCELLED)
        self.report_cancelled(maker, LINKED, False)

    def _without_linked(
        self, order: Order, pool: list[Order], level: Level, instrument: Instrument, links: Links
    ) -> list[Order]:
        """Those of a pool who may trade. The others end, or come after the one of their group that is before them."""
        groups: dict[int, bool] = {}
        kept: list[Order] = []
        for maker in pool:
            if links.is_out(order, maker):
                self._take_out_linked(maker, level, instrument)
            elif is_first_of_group(maker, groups):
                kept.append(maker)
        return kept

    # Self-trade prevention: what the aggressor asked for is done, the resting order's own wish does not count.

    def _prevent(self, order: Order, maker: Order, level: Level, instrument: Instrument) -> None:
        """Both orders have one owner: instead of a trade one of them ends, or both, or both become smaller.

        Afterwards the order has ended, or `maker` is no longer the front of its level.
        """
        instructions = order.instructions
        assert instructions is not None
        mode = instructions.self_trade
        leaves = order.quantity_lots - order.filled_lots
        maker_leaves = maker.quantity_lots - maker.filled_lots
        quantity = leaves if leaves < maker_leaves else maker_leaves
        self.report_prevented(order, level.price_ticks, quantity, TAKER)
        self.report_prevented(maker, level.price_ticks, quantity, MAKER)
        if mode == DECREMENT and maker_leaves > quantity:
            self.shrink(maker, level, instrument, maker.quantity_lots - quantity)
            self.report_restated(maker, SELF_TRADE)
        elif mode != CANCEL_NEWEST:
            if maker.public_id:
                instrument.orders.append((ORDER_DELETED, self.sequence, maker.public_id))
            level.leave(maker)
            self.end(maker, STATUS_CANCELLED)
            self.report_cancelled(maker, SELF_TRADE, False)
        if mode == DECREMENT and leaves > quantity:
            order.quantity_lots -= quantity
            order.shown_lots -= quantity
            self.back(order)
            self.report_restated(order, SELF_TRADE)
        elif mode != CANCEL_OLDEST:
            self.end_unfilled(order, SELF_TRADE)

    def _available_lots(
        self, order: Order, instrument: Instrument, opposite: BookSide, wanted_lots: int
    ) -> int:
        """What an order could trade at once, counted no further than the level where `wanted_lots` are reached.

        What is beyond a band is not within reach. Next slices of icebergs stand behind an own order that is displayed,
        and before one that is hidden. Of orders that cancel each other only the first trades.
        O(levels that are needed), and O(their orders) for an order that does not trade with its owner's, and where
        orders are linked.
        """
        instructions = order.instructions
        limit = self._reach_ticks(order, instrument, opposite)
        mode = 0 if instructions is None else instructions.self_trade
        links = _links_of(instrument)
        if not mode and links is None:
            return opposite.available_lots(limit, wanted_lots)
        found = 0
        groups: dict[int, bool] = {}
        if instructions is not None and instructions.group is not None:
            groups[instructions.group.number] = True
        pro_rata = instrument.pro_rata
        for level in opposite:
            if limit and (level.price_ticks - limit) * opposite.sign > 0:
                break
            shown = whole = displayed = 0
            maker = level.head
            while maker is not None:
                if maker is level.first_hidden:
                    displayed = whole
                if links is not None and not is_first_of_group(maker, groups):
                    maker = maker.newer
                    continue
                if not mode or not _same_owner(order, maker):
                    shown += maker.shown_lots
                    whole += maker.quantity_lots - maker.filled_lots
                elif mode != CANCEL_OLDEST:
                    if pro_rata:  # who shares a pool meets the order before any of them trades
                        return found + displayed
                    return found + (shown if maker.public_id else whole)
                maker = maker.newer
            found += whole
            if found >= wanted_lots:
                break
        return found


def _links_of(instrument: Instrument) -> Links | None:
    """The links of an instrument's orders, if any of them cancels others."""
    watch = instrument.watch
    return watch.links if watch is not None and watch.links.grouped else None


def _same_owner(one: Order, other: Order) -> bool:
    """Whether two orders are of one account, or of one self-trade group."""
    if one.account is other.account:
        return True
    mine, theirs = one.instructions, other.instructions
    return (
        mine is not None
        and theirs is not None
        and mine.self_trade_group != 0
        and mine.self_trade_group == theirs.self_trade_group
    )
