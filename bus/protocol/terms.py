"""The numbers behind the protocol's words, and their names for people.

Plain integers, not enums: the matcher compares them millions of times a second, and a compiled core turns them into
machine constants. Each group has a table of names; whatever shows a number to a person looks it up there.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1

#: A shard is an engine that owns some symbols. Until symbols are sharded there is one.
SHARD: Final = 0

BUY: Final = 1
SELL: Final = 2
SIDES: Final = {BUY: "buy", SELL: "sell"}

LIMIT: Final = 1
MARKET: Final = 2
ORDER_TYPES: Final = {LIMIT: "limit", MARKET: "market"}

GTC: Final = 1  # good till cancelled
IOC: Final = 2  # immediate or cancel: what does not trade at once is cancelled
FOK: Final = 3  # fill or kill: all at once or nothing
TIMES_IN_FORCE: Final = {GTC: "GTC", IOC: "IOC", FOK: "FOK"}

#: Bits of an order's `flags`.
POST_ONLY: Final = 1
FLAGS: Final = {POST_ONLY: "post-only"}

OPEN: Final = 1
HALTED: Final = 2
TRADING_STATUSES: Final = {OPEN: "open", HALTED: "halted"}

#: Where an order stands.
RESTING: Final = 1
FILLED: Final = 2
CANCELLED: Final = 3
REJECTED: Final = 4
ORDER_STATUSES: Final = {RESTING: "open", FILLED: "filled", CANCELLED: "cancelled", REJECTED: "rejected"}

MAKER: Final = 1
TAKER: Final = 2
LIQUIDITIES: Final = {MAKER: "maker", TAKER: "taker"}

TRADER: Final = 1
BROKER: Final = 2
OPERATOR: Final = 3
ROLES: Final = {TRADER: "trader", BROKER: "broker", OPERATOR: "operator"}

#: Where engine time comes from.
CLOCK_SYSTEM: Final = 1
CLOCK_COMMANDS: Final = 2
CLOCKS: Final = {CLOCK_SYSTEM: "system", CLOCK_COMMANDS: "commands"}

L2: Final = 2
L3: Final = 3
BOOK_KINDS: Final = {L2: "L2", L3: "L3"}
