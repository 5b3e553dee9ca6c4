"""What an operator says, made into commands: instruments, phases, limits, stops, revisions of trades, time."""

from collections.abc import Callable, Mapping, Sequence

from bus.calendar.words import HoursRow, schedule_of
from bus.protocol.commands import (
    AdvanceClock,
    BustTrade,
    CloseAccount,
    Command,
    CorrectTrade,
    DefineAsset,
    JoinGroup,
    SetEmergency,
    SetFees,
    SetFeeTiers,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetKillSwitch,
    SetLimits,
    SetProtection,
    SetRisk,
    SetSchedule,
)
from bus.protocol.terms import PRICE_TIME
from bus.sockets.session import orders
from bus.sockets.session.answers import A, Answers
from bus.sockets.session.orders import Word
from bus.sockets.session.prices import Number, Scale, billionths


class Operating(Answers[A]):
    """The commands of an operator; anybody else is refused by the engine. Not used by itself."""

    def define_instrument(
        self,
        symbol: str,
        base: str,
        quote: str,
        *,
        tick: Number,
        lot: Number,
        price_min: Number,
        price_max: Number,
        quantity_min: Number,
        quantity_max: Number,
        matching: Word = PRICE_TIME,
        pro_rata_minimum: Number = 0,
    ) -> A:
        """Operator: a new instrument, or new limits of one. Answered with Completed or Rejected."""
        command = orders.define_instrument(
            symbol,
            base,
            quote,
            tick,
            lot,
            price_min,
            price_max,
            quantity_min,
            quantity_max,
            matching,
            pro_rata_minimum,
        )
        pending = self.command(command)
        # Limits may change; what is known of it is asked for again.
        self._definitions.pop(symbol, None)
        self._scales.pop(symbol, None)
        return pending

    def set_phase(
        self,
        symbol: str,
        phase: Word,
        *,
        duration_ms: int = 0,
        random_ms: int = 0,
        next_phase: Word = 0,
        why: str = "",
    ) -> A:
        """Operator: an instrument's phase is this one. Answered with Completed or Rejected.

        `duration_ms`: an auction or a halt ends then, and `next_phase` follows, 0 for the usual. An auction ends by
        chance, up to `random_ms` later. `why`: a remark for the log, at most 200 characters.
        """
        return self.command(orders.set_phase(symbol, phase, duration_ms, random_ms, next_phase, why))

    def set_schedule(
        self,
        symbol: str,
        zone: str = "",
        days: Mapping[str, Sequence[HoursRow]] | None = None,
        holidays: Mapping[str, Sequence[HoursRow]] | None = None,
        *,
        why: str = "",
    ) -> A:
        """Operator: trading hours of an instrument by the clocks of a zone, in the place of those it had.

        Answered with Completed or Rejected; NotTaken when the engine does not know the zone. Without `days` there are
        no hours any more.

            client.set_schedule("BTC-USD", "Europe/Berlin", {"mon-fri": [("09:00", "continuous"), ("17:30", "closed")]})

        A row is a time, the phase that begins then, and for an auction by how many ms it may last longer by chance.
        `holidays`: by date ("2026-12-25"), what holds on that day instead of its weekday's rows, [] for nothing.
        """
        hours = schedule_of(symbol, zone, days or {}, holidays or {})
        return self.put_schedule(symbol, hours, why=why)

    def put_schedule(self, symbol: str, hours: SetSchedule, *, why: str = "") -> A:
        """Operator: the hours of a command that was made elsewhere, whatever its symbol. Answered as `set_schedule`."""
        command = SetSchedule(symbol, hours.zone, hours.days, hours.holidays, orders.checked_note(why))
        return self.command(command)

    def set_limits(
        self,
        account: str,
        symbol: str = "",
        *,
        order_quantity: Number = 0,
        order_notional: Number = 0,
        open_orders: int = 0,
        rejects: int = 0,
        rejects_window_ms: int = 0,
        day_quantity: Number = 0,
        day_notional: Number = 0,
        commands_per_s: int = 0,
    ) -> A:
        """Operator: limits of an account in an instrument, or in all (quantity in lots then, notional in ticks times
        lots); 0 is none. They take the place of those it had there. Answered with Completed or Rejected.

        `rejects` and `rejects_window_ms`, of all instruments only: more rejected commands within the window, and the
        engine sets the account's kill switch. `day_quantity` and `day_notional`: what it trades in a trading day.
        """

        def build(scale: Scale | None) -> SetLimits:
            return orders.set_limits(
                scale,
                account,
                order_quantity,
                order_notional,
                open_orders,
                rejects,
                rejects_window_ms,
                day_quantity,
                day_notional,
                commands_per_s,
            )

        return self._of_one_or_all(symbol, build)

    def set_risk(
        self,
        account: str,
        symbol: str = "",
        *,
        long: Number = 0,
        short: Number = 0,
        open_notional: Number = 0,
        day_loss: Number = 0,
        loss_stops: bool = False,
        collar_basis_points: int = 0,
        commands_per_fill: int = 0,
        commands_from: int = 0,
        reduce_only: bool = False,
        position: Number | None = None,
        why: str = "",
    ) -> A:
        """Operator: what an account may have at stake in an instrument, or in all, in the units of `set_limits`; 0 is
        none. They take the place of those it had there. Answered with Completed or Rejected.

        `long` and `short`: its position with all that is open. `day_loss`: what it may lose in a day, before its
        positions may only become smaller, or with `loss_stops` its kill switch is set. `commands_per_fill`: how many
        commands a day for each fill, from `commands_from` on. `position`: what its position is, None for what was
        counted. `why`: a remark for the log, at most 200 characters.
        """

        def build(scale: Scale | None) -> SetRisk:
            return orders.set_risk(
                scale,
                account,
                long=long,
                short=short,
                open_notional=open_notional,
                day_loss=day_loss,
                loss_stops=loss_stops,
                collar_basis_points=collar_basis_points,
                commands_per_fill=commands_per_fill,
                commands_from=commands_from,
                reduce_only=reduce_only,
                position=position,
                why=why,
            )

        return self._of_one_or_all(symbol, build)

    def set_group_risk(
        self,
        group: str,
        symbol: str = "",
        *,
        long: Number = 0,
        short: Number = 0,
        open_notional: Number = 0,
        day_quantity: Number = 0,
        day_notional: Number = 0,
        day_loss: Number = 0,
        loss_stops: bool = False,
        why: str = "",
    ) -> A:
        """Operator: what all members of a group may have at stake together, as in `set_risk`, and trade in a day, as in
        `set_limits`. With `loss_stops` the kill switch of the group is set. Answered with Completed or Rejected.
        """

        def build(scale: Scale | None) -> SetGroupRisk:
            return orders.set_group_risk(
                scale,
                group,
                long=long,
                short=short,
                open_notional=open_notional,
                day_quantity=day_quantity,
                day_notional=day_notional,
                day_loss=day_loss,
                loss_stops=loss_stops,
                why=why,
            )

        return self._of_one_or_all(symbol, build)

    def set_group_kill_switch(self, group: str, on: bool, *, why: str = "") -> A:
        """Operator: `set_kill_switch` of all members of a group. Answered with Completed or Rejected."""
        return self.command(SetGroupKillSwitch(group, on, orders.checked_note(why)))

    def set_protection(
        self,
        symbol: str,
        *,
        static_basis_points: int = 0,
        dynamic_basis_points: int = 0,
        reference: Number = 0,
        auction_ms: int = 0,
        random_ms: int = 0,
        rebalance: bool = False,
        why: str = "",
    ) -> A:
        """Operator: price bands of an instrument in the place of those it had, 0 is none. Answered with Completed or
        Rejected.

        `reference`: the price that the static band is around, 0 for the one that there is. An auction that begins by
        these rules lasts `auction_ms`, and up to `random_ms` longer. `rebalance`: trades that leave a side of the book
        empty begin one, too. `why`: a remark for the log, at most 200 characters.
        """

        def build(scale: Scale | None) -> SetProtection:
            ticks = scale.price_ticks(reference) if scale is not None else 0
            return SetProtection(
                symbol,
                static_basis_points,
                dynamic_basis_points,
                ticks,
                auction_ms,
                random_ms,
                int(rebalance),
                orders.checked_note(why),
            )

        return self._of_one_or_all(symbol if reference else "", build)

    def define_asset(self, asset: str, decimals: int) -> A:
        """Operator: an asset, in units of `10**-decimals`. Answered with Completed or Rejected."""
        return self.command(DefineAsset(asset, decimals))

    def close_account(self, account: str, closed: bool = True, *, why: str = "") -> A:
        """Operator: take no order, quote or money for an account any more, or again.

        Only one without open orders and money is closed. Answered with Completed or Rejected.
        """
        return self.command(CloseAccount(account, closed, orders.checked_note(why)))

    def set_kill_switch(self, account: str, on: bool, *, why: str = "") -> A:
        """Operator: end all open orders of an account and take nothing but cancels from it, or take orders again.

        Answered with Completed or Rejected.
        """
        return self.command(SetKillSwitch(account, on, orders.checked_note(why)))

    def set_fees(
        self, symbol: str, rates: Sequence[tuple[Number, Number]], *, minimum_units: int = 0, why: str = ""
    ) -> A:
        """Operator: what an instrument costs, shares of the notional in the quote asset, rounded up; of each tier
        `(maker, taker)`, 0.002 for 0.2 percent, below 0 for a rebate. No rates: nothing. Other terms: `put_fees`.

        Answered with Completed or Rejected; ValueError for rates that are no whole number of billionths.
        """
        pairs = [(billionths(maker, "rate"), billionths(taker, "rate")) for maker, taker in rates]
        return self.put_fees(SetFees(symbol, pairs, minimum_units=minimum_units, why=why))

    def put_fees(self, command: SetFees) -> A:
        """Operator: what an instrument costs, as the command says. Answered with Completed or Rejected."""
        orders.checked_note(command.why)
        return self.command(command)

    def set_fee_tiers(self, thresholds: Sequence[int], *, why: str = "") -> A:
        """Operator: from which volumes of thirty days the second tier is reached, the third, and so on.

        Answered with Completed or Rejected.
        """
        return self.command(SetFeeTiers(list(thresholds), orders.checked_note(why)))

    def set_group(self, group: str, *, discount: Number = 0, why: str = "") -> A:
        """Operator: a group of accounts is there, or has another discount, 0.1 for 10 percent of all fees of members.

        Answered with Completed or Rejected; ValueError for a discount that is no whole number of billionths.
        """
        return self.command(SetGroup(group, billionths(discount, "discount"), orders.checked_note(why)))

    def join_group(self, account: str, group: str = "", *, why: str = "") -> A:
        """Operator: an account is in this group and in no other; "": in none. Answered with Completed or Rejected."""
        return self.command(JoinGroup(account, group, orders.checked_note(why)))

    def set_breakers(
        self,
        levels: Sequence[tuple[int, int]],
        symbol: str = "",
        *,
        auction_ms: int = 0,
        random_ms: int = 0,
        why: str = "",
    ) -> A:
        """Operator: circuit breakers of the whole market, up to three levels of basis points and milliseconds, rising.

        `symbol`: what they look at; "": all instruments, equally weighted. Answered with Completed or Rejected;
        ValueError for more levels.
        """
        return self.command(orders.set_breakers(symbol, levels, auction_ms, random_ms, why))

    def set_emergency(
        self, on: bool, *, cancel_orders: bool = False, auction_ms: int = 0, random_ms: int = 0, why: str = ""
    ) -> A:
        """Operator: the whole market stands still, or goes on; through a volatility auction of `auction_ms`, if given.

        Answered with Completed or Rejected.
        """
        return self.command(SetEmergency(on, cancel_orders, auction_ms, random_ms, orders.checked_note(why)))

    def bust_trade(self, symbol: str, trade_id: int) -> A:
        """Operator: a trade of this trading day never counted. Answered with Completed or Rejected."""
        return self.command(BustTrade(symbol, trade_id))

    def correct_trade(self, symbol: str, trade_id: int, price: Number) -> A:
        """Operator: a trade of this trading day has another price. Answered with Completed or Rejected."""
        pending = self._new_pending(symbol, "")
        self._give(pending, symbol, lambda scale: CorrectTrade(symbol, trade_id, scale.price_ticks(price)))
        return pending

    def advance_clock(self, time_ns: int) -> A:
        """Operator, under `--clock commands`: engine time becomes this. Answered with Completed or Rejected."""
        return self.command(AdvanceClock(time_ns))

    def _of_one_or_all(self, symbol: str, build: Callable[[Scale | None], Command]) -> A:
        """A command that is built with the scale of a symbol; with "" without one, at once."""
        if not symbol:
            return self.command(build(None))
        pending = self._new_pending(symbol, "")
        self._give(pending, symbol, build)
        return pending
