"""What an operator lets an account, or all of a group together, have at stake: of one instrument, or of all."""

from typing import Final

from mypy_extensions import mypyc_attr

ALL_INSTRUMENTS: Final = ""

#: 10,000 basis points away there is no price below.
COLLAR_BASIS_POINTS_MAX: Final = 9_999


@mypyc_attr(acyclic=True)
class RiskLimit:
    """Limits of one symbol, or of all; 0 is none. See SetRisk for what each of them means.

    `commands` and `fills`: of the trading day, counted while the ratio of both is limited.
    """

    __slots__ = (
        "collar_basis_points",
        "commands",
        "commands_from",
        "commands_per_fill_max",
        "day_loss_max",
        "fills",
        "long_lots_max",
        "loss_stops",
        "open_notional_max",
        "reduce_only",
        "short_lots_max",
    )

    def __init__(
        self,
        long_lots_max: int,
        short_lots_max: int,
        open_notional_max: int,
        day_loss_max: int,
        loss_stops: bool,
        collar_basis_points: int = 0,
        commands_per_fill_max: int = 0,
        commands_from: int = 0,
        reduce_only: bool = False,
        commands: int = 0,
        fills: int = 0,
    ) -> None:
        self.long_lots_max = long_lots_max
        self.short_lots_max = short_lots_max
        self.open_notional_max = open_notional_max
        self.day_loss_max = day_loss_max
        self.loss_stops = loss_stops
        self.collar_basis_points = collar_basis_points
        self.commands_per_fill_max = commands_per_fill_max
        self.commands_from = commands_from
        self.reduce_only = reduce_only
        self.commands = commands
        self.fills = fills

    @property
    def is_any(self) -> bool:
        """Whether anything is limited."""
        return (
            self.long_lots_max != 0
            or self.short_lots_max != 0
            or self.open_notional_max != 0
            or self.day_loss_max != 0
            or self.collar_basis_points != 0
            or self.commands_per_fill_max != 0
            or self.reduce_only
        )

    @property
    def is_valid(self) -> bool:
        """Whether an operator may limit so: nothing below 0, and nothing that means something only beside another."""
        return (
            self.long_lots_max >= 0
            and self.short_lots_max >= 0
            and self.open_notional_max >= 0
            and self.day_loss_max >= 0
            and 0 <= self.collar_basis_points <= COLLAR_BASIS_POINTS_MAX
            and self.commands_per_fill_max >= 0
            and self.commands_from >= 0
            and (self.day_loss_max != 0 or not self.loss_stops)
            and (self.commands_per_fill_max != 0 or self.commands_from == 0)
        )

    def go_on(self, before: "RiskLimit") -> None:
        """It takes the place of another one: what that has counted is counted, where it still matters."""
        if self.commands_per_fill_max:
            self.commands, self.fills = before.commands, before.fills

    def sent(self) -> bool:
        """A command has come: whether there are too many of them for so few fills."""
        if not self.commands_per_fill_max:
            return False
        self.commands += 1
        return self.commands > self.commands_from and self.commands > self.commands_per_fill_max * self.fills

    def filled(self) -> None:
        """So is a fill."""
        if self.commands_per_fill_max:
            self.fills += 1

    def copy(self) -> "RiskLimit":
        """The same, sharing nothing."""
        return RiskLimit(
            self.long_lots_max,
            self.short_lots_max,
            self.open_notional_max,
            self.day_loss_max,
            self.loss_stops,
            self.collar_basis_points,
            self.commands_per_fill_max,
            self.commands_from,
            self.reduce_only,
            self.commands,
            self.fills,
        )

    def check(self) -> None:
        """AssertionError when something is not as it must be."""
        assert self.is_valid, "limits are such as may be set"
        assert self.is_any, "a limit limits"
        assert self.commands >= 0 <= self.fills
        assert self.commands_per_fill_max or self.commands == self.fills == 0, "what is limited is counted"
