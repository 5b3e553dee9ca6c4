"""The numbers behind the protocol's words, and their names for people.

Plain integers, not enums: the matcher compares them millions of times a second, and a compiled core turns them into
machine constants. Each group has a table of names; whatever shows a number to a person looks it up there.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1

#: The largest number that a command or a report has.
NUMBER_MAX: Final = 2**63 - 1

#: A shard is an engine that owns some symbols. Until symbols are sharded there is one.
SHARD: Final = 0

BUY: Final = 1
SELL: Final = 2
SIDES: Final = {BUY: "buy", SELL: "sell"}

LIMIT: Final = 1
MARKET: Final = 2
STOP: Final = 3
STOP_LIMIT: Final = 4
TAKE_PROFIT: Final = 5
TAKE_PROFIT_LIMIT: Final = 6
TRAILING_STOP: Final = 7
PEGGED: Final = 8
ORDER_TYPES: Final = {
    LIMIT: "limit",
    MARKET: "market",
    STOP: "stop",
    STOP_LIMIT: "stop-limit",
    TAKE_PROFIT: "take-profit",
    TAKE_PROFIT_LIMIT: "take-profit-limit",
    TRAILING_STOP: "trailing-stop",
    PEGGED: "pegged",
}
#: Types that wait for a trigger of their own.
TRIGGERED_TYPES: Final = (STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP)

GTC: Final = 1  # good till cancelled
IOC: Final = 2  # immediate or cancel: what does not trade at once is cancelled
FOK: Final = 3  # fill or kill: all at once or nothing
DAY: Final = 4  # until the trading day ends
GTD: Final = 5  # good till date: until a time that the order names
AT_OPEN: Final = 6  # at the open: for the next opening auction, and only for that
AT_CLOSE: Final = 7  # at the close: for the next closing auction
GFA: Final = 8  # good for auction: for the next auction of any kind
TIMES_IN_FORCE: Final = {
    GTC: "GTC",
    IOC: "IOC",
    FOK: "FOK",
    DAY: "DAY",
    GTD: "GTD",
    AT_OPEN: "ATO",
    AT_CLOSE: "ATC",
    GFA: "GFA",
}

#: Bits of an order's `flags`.
POST_ONLY: Final = 1
POST_ONLY_REPRICE: Final = 2  # post-only, at one tick from the other side rather than refused
HIDDEN: Final = 4
FLAGS: Final = {POST_ONLY: "post-only", POST_ONLY_REPRICE: "post-only-reprice", HIDDEN: "hidden"}

#: What a pegged order follows; 0 is nothing.
BEST_BID: Final = 1
BEST_ASK: Final = 2
MIDPOINT: Final = 3
PEGS: Final = {BEST_BID: "best-bid", BEST_ASK: "best-ask", MIDPOINT: "midpoint"}

#: What happens instead of a trade when an order meets one of its owner; 0: they trade.
CANCEL_NEWEST: Final = 1
CANCEL_OLDEST: Final = 2
CANCEL_BOTH: Final = 3
DECREMENT: Final = 4
SELF_TRADES: Final = {
    CANCEL_NEWEST: "cancel-newest",
    CANCEL_OLDEST: "cancel-oldest",
    CANCEL_BOTH: "cancel-both",
    DECREMENT: "decrement",
}

#: The phases of an instrument: what its market does at the moment (docs/rules.md, chapter PHASE).
CONTINUOUS: Final = 1
HALTED: Final = 2
CLOSED: Final = 3
PRE_OPEN: Final = 4
OPENING_AUCTION: Final = 5
VOLATILITY_AUCTION: Final = 6
CLOSING_AUCTION: Final = 7
PHASES: Final = {
    CONTINUOUS: "continuous",
    HALTED: "halted",
    CLOSED: "closed",
    PRE_OPEN: "pre-open",
    OPENING_AUCTION: "opening-auction",
    VOLATILITY_AUCTION: "volatility-auction",
    CLOSING_AUCTION: "closing-auction",
}
#: Phases in which orders collect for one price, and that end with it.
AUCTIONS: Final = (OPENING_AUCTION, VOLATILITY_AUCTION, CLOSING_AUCTION)

#: Why a phase began.
BY_OPERATOR: Final = 1
BY_SCHEDULE: Final = 2
BY_TIME: Final = 3  # the phase before it had a duration
BY_BAND: Final = 4  # an order met a price beyond a band
BY_IMBALANCE: Final = 5  # a side of the book was emptied
BY_BREAKER: Final = 6
BY_EMERGENCY: Final = 7
CAUSES: Final = {
    BY_OPERATOR: "operator",
    BY_SCHEDULE: "schedule",
    BY_TIME: "time",
    BY_BAND: "band",
    BY_IMBALANCE: "imbalance",
    BY_BREAKER: "breaker",
    BY_EMERGENCY: "emergency",
}

#: Why the whole market was stopped.
STOP_BY_OPERATOR: Final = 1
FEED_LOST: Final = 2  # too few readers of the feed for too long
STOP_CAUSES: Final = {STOP_BY_OPERATOR: "operator", FEED_LOST: "feed-lost"}

#: What is wrong with a book that is unbalanced.
ONE_SIDED: Final = 1  # trades took all of one side
EMPTIED: Final = 2  # nobody is left
CROSSED_BY_TRIGGER: Final = 3  # an order that was triggered met a price beyond a band
UNBALANCES: Final = {
    ONE_SIDED: "one-sided",
    EMPTIED: "emptied",
    CROSSED_BY_TRIGGER: "crossed-by-trigger",
}

#: Bits of a schedule's weekdays.
WEEKDAYS: Final = {1: "mon", 2: "tue", 4: "wed", 8: "thu", 16: "fri", 32: "sat", 64: "sun"}

#: How the orders of a price level share what comes in; 0 is price-time, too.
PRICE_TIME: Final = 1
PRO_RATA: Final = 2
MATCHINGS: Final = {PRICE_TIME: "price-time", PRO_RATA: "pro-rata"}

#: Where an order stands.
RESTING: Final = 1
FILLED: Final = 2
CANCELLED: Final = 3
REJECTED: Final = 4
WAITING: Final = 5  # for its trigger, or for the order that releases it
ORDER_STATUSES: Final = {
    RESTING: "open",
    FILLED: "filled",
    CANCELLED: "cancelled",
    REJECTED: "rejected",
    WAITING: "waiting",
}

MAKER: Final = 1
TAKER: Final = 2
IN_AUCTION: Final = 3  # nobody took: both orders had waited for the auction's price
LIQUIDITIES: Final = {MAKER: "maker", TAKER: "taker", IN_AUCTION: "auction"}

TRADER: Final = 1
BROKER: Final = 2
OPERATOR: Final = 3
ROLES: Final = {TRADER: "trader", BROKER: "broker", OPERATOR: "operator"}

#: Bits of a message's `options`.
VALIDATE_ONLY: Final = 1  # say what would be refused, and do nothing
ALL_OR_NOTHING: Final = 2  # every command is valid in turn, or none is carried out
OPTIONS: Final = {VALIDATE_ONLY: "validate-only", ALL_OR_NOTHING: "all-or-nothing"}

#: Where engine time comes from.
CLOCK_SYSTEM: Final = 1
CLOCK_COMMANDS: Final = 2
CLOCKS: Final = {CLOCK_SYSTEM: "system", CLOCK_COMMANDS: "commands"}

#: A rate of one: all of what it is of. The finest rates in use are of hundredths of a basis point, 1,000 of these.
RATE_ONE: Final = 10**9

#: What the rate of a fee is of.
OF_NOTIONAL: Final = 1
OF_QUANTITY: Final = 2
OF_BINARY: Final = 3
FEE_BASES: Final = {OF_NOTIONAL: "notional", OF_QUANTITY: "quantity", OF_BINARY: "binary"}

#: What a fee is paid with. Received: the base asset by who buys, the quote asset by who sells.
IN_QUOTE: Final = 1
IN_BASE: Final = 2
IN_RECEIVED: Final = 3
IN_THIRD: Final = 4
FEE_ASSETS: Final = {IN_QUOTE: "quote", IN_BASE: "base", IN_RECEIVED: "received", IN_THIRD: "third"}

#: Where a fee goes that is no whole step. Up: the venue keeps the remainder; down: whoever pays keeps it, of a rebate
#: the venue; half up: to the nearest step, the venue keeps a half; half even: the nearest, of two the even one.
ROUND_UP: Final = 1
ROUND_DOWN: Final = 2
ROUND_HALF_UP: Final = 3
ROUND_HALF_EVEN: Final = 4
ROUNDINGS: Final = {
    ROUND_UP: "up",
    ROUND_DOWN: "down",
    ROUND_HALF_UP: "half-up",
    ROUND_HALF_EVEN: "half-even",
}

#: The account of the venue where deposits come from and withdrawals go to. No client's has a colon in its name.
EXTERNAL: Final = "venue:external"
#: The account of the venue that gets fees and pays rebates.
VENUE_FEES: Final = "venue:fees"

#: Whether orders are backed by the money of their accounts.
CLEARING_NONE: Final = 0
CLEARING_SPOT: Final = 1
CLEARINGS: Final = {CLEARING_NONE: "none", CLEARING_SPOT: "spot"}

L2: Final = 2
L3: Final = 3
BOOK_KINDS: Final = {L2: "L2", L3: "L3"}
