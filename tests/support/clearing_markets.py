"""Random logs of a venue that clears: those of `tests.support.markets` with money, and transfers between."""

from random import Random
from typing import Final

import msgspec

from bus.protocol.commands import DefineAsset, Transfer
from bus.protocol.records import EngineStarted
from bus.protocol.terms import CLEARING_SPOT, EXTERNAL
from tests.support.markets import ACCOUNTS, OPERATOR_SESSION, TRADER_SESSIONS, Message, Record, Step

ASSETS: Final = ("USD", "BTC", "ETH")
NAMES: Final = (*ACCOUNTS, f"{ACCOUNTS[0]}.sub", EXTERNAL, "acc-op")


def clearing(steps: list[Step], dice: Random) -> list[Step]:
    """The same at a venue that clears: its assets first, some money, and transfers between."""
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
