"""Random logs of a venue that clears and charges: those of `tests.support.markets`, with transfers and fees between."""

from random import Random
from typing import Final

import msgspec

from bus.protocol.commands import DefineAsset, JoinGroup, SetFees, SetFeeTiers, SetGroup, Transfer
from bus.protocol.records import EngineStarted
from bus.protocol.terms import (
    CLEARING_SPOT,
    EXTERNAL,
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    OF_BINARY,
    OF_NOTIONAL,
    OF_QUANTITY,
    RATE_ONE,
    ROUNDINGS,
    VENUE_FEES,
)
from tests.support.markets import ACCOUNTS, OPERATOR_SESSION, SYMBOLS, TRADER_SESSIONS, Message, Record, Step

ASSETS: Final = ("USD", "BTC", "ETH", "TOK")
NAMES: Final = (*ACCOUNTS, f"{ACCOUNTS[0]}.sub", EXTERNAL, VENUE_FEES, "acc-op")
GROUPS: Final = ("vip", "makers")


def clearing(steps: list[Step], dice: Random) -> list[Step]:
    """The same at a venue that clears: its assets first, some money; transfers and fees between."""
    found: list[Step] = []
    assets = tuple(DefineAsset(asset, 8) for asset in ASSETS)
    deposits = tuple(
        Transfer(f"in-{asset}-{name}", EXTERNAL, name, asset, dice.choice([10**4, 10**6, 10**7]))
        for asset in ASSETS
        for name in ACCOUNTS
    )
    for step in steps:
        if isinstance(step, Record) and isinstance(step.record, EngineStarted):
            rules = msgspec.structs.replace(step.record.rules, clearing=CLEARING_SPOT)
            step = Record(msgspec.structs.replace(step.record, rules=rules), step.after_ns)
        elif assets and isinstance(step, Message):
            found.append(Message(OPERATOR_SESSION, assets))
            found += [Message(OPERATOR_SESSION, (one,)) for one in deposits]
            assets = ()
        elif not assets and dice.randrange(6) == 0:
            found.append(Message(dice.choice([OPERATOR_SESSION, *TRADER_SESSIONS]), (drawn_transfer(dice),)))
        elif not assets and dice.randrange(9) == 0:
            found.append(Message(OPERATOR_SESSION, (drawn_fees(dice),)))
        found.append(step)
    return found


def drawn_transfer(dice: Random) -> Transfer:
    """A transfer that may be anything."""
    amount = dice.choice([1, 7, 10**4, 10**5, 10**6, 0, -1, 2**62, 2**63 - 1])
    return Transfer(
        f"t{dice.randrange(40)}",
        dice.choice(NAMES),
        dice.choice(NAMES),
        dice.choice([*ASSETS, "NONE"]),
        amount,
    )


def drawn_fees(dice: Random) -> SetFees | SetFeeTiers | SetGroup | JoinGroup:
    """Something about fees, mostly good."""
    kind = dice.randrange(6)
    if kind == 0:
        return SetFeeTiers(dice.choice([[], [100, 1_000], [100, 1_000], [10**4, 10**5], [5, 5]]))
    if kind == 1:
        return SetGroup(dice.choice(GROUPS), dice.choice([0, 0, RATE_ONE // 2, RATE_ONE // 10, RATE_ONE, -1]))
    if kind == 2:
        return JoinGroup(dice.choice(ACCOUNTS), dice.choice([*GROUPS, ""]))
    symbol = dice.choice(SYMBOLS)
    if dice.randrange(6) == 0:
        return SetFees(symbol, [])
    basis, paid_in = dice.choice(
        [
            *[(OF_NOTIONAL, IN_QUOTE)] * 3,
            *((OF_NOTIONAL, IN_RECEIVED), (OF_NOTIONAL, IN_THIRD), (OF_QUANTITY, IN_BASE)),
            *((OF_QUANTITY, IN_QUOTE), (OF_QUANTITY, IN_THIRD), (OF_BINARY, IN_QUOTE), (OF_BINARY, IN_THIRD)),
        ]
    )
    takers = [
        dice.choice([0, 10**6, 2 * 10**7, 2 * 10**7, RATE_ONE // 3, RATE_ONE])
        for _ in range(dice.choice([1, 3]))
    ]
    makers = [dice.choice([-min(takers), -min(takers) // 4, -min(takers) // 4, 0, 10**7]) for _ in takers]
    pairs = list(zip(makers, takers, strict=True))
    if dice.randrange(3) == 0:  # as most venues do
        return SetFees(symbol, pairs)
    converts = paid_in == IN_THIRD or (basis, paid_in) == (OF_QUANTITY, IN_QUOTE)
    minimum = dice.choice([0, 0, 0, 3, 200, -1])
    return SetFees(
        symbol,
        pairs if dice.randrange(3) else [(taker, maker) for maker, taker in pairs],
        basis,
        paid_in,
        "TOK" if paid_in == IN_THIRD else "",
        dice.choice([1, 3]) if converts else 1,
        dice.choice([1, 7, 100]) if converts else 1,
        dice.choice(list(ROUNDINGS)),
        dice.choice([1, 1, 10]),
        minimum,
        dice.choice([0, 0, 500]),
        dice.choice([RATE_ONE, RATE_ONE // 10]),
        dice.choice([12, 25]) if basis == OF_BINARY else 0,
        dice.choice([1, 3]),
        dice.choice([1, 2]),
    )
