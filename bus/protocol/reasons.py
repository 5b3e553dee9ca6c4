"""Why something was refused or ended: one number, one name, one sentence each.

Reasons come in bands by the stage that refuses. Within a band a lower number takes precedence: when several rules
are broken at once, the report names the lowest.

    1xx  session: said before the log, not logged, not numbered
    2xx  request: its id and its age
    3xx  instrument
    4xx  fields of an order
    5xx  book
    6xx  limits
    7xx  operator's commands
    8xx  why an order ended without a request for exactly that
    9xx  the engine's own
"""

from typing import Final

MALFORMED: Final = 101
UNSUPPORTED_VERSION: Final = 102
MESSAGE_TOO_LARGE: Final = 103
CHOSEN_ROUTING_ID: Final = 104
HELLO_FIRST: Final = 105
NOT_YOUR_SESSION: Final = 106
BAD_TOKEN: Final = 107
INVALID_ACCOUNT: Final = 108
TOO_MANY_SESSIONS: Final = 109
QUEUE_FULL: Final = 110
RATE_EXCEEDED: Final = 111
INVALID_LEASE: Final = 112
NOT_OFFERED: Final = 113
NOT_YET: Final = 114
TOO_MANY_REQUESTS: Final = 115
UNAVAILABLE: Final = 116
INVALID_REQUEST: Final = 117

NOT_PERMITTED: Final = 201
STALE: Final = 202
FROM_THE_FUTURE: Final = 203
INVALID_ID: Final = 204
ID_TAKEN: Final = 205
TOO_LATE: Final = 206
BATCH_REFUSED: Final = 207

ACCOUNT_CLOSED: Final = 300
UNKNOWN_SYMBOL: Final = 301
NOT_TRADING: Final = 302
NOT_IN_PHASE: Final = 303
MARKET_STOPPED: Final = 304
NO_CLEARING: Final = 305
UNKNOWN_ASSET: Final = 306
UNKNOWN_ACCOUNT: Final = 307

INVALID_SIDE: Final = 401
INVALID_ORDER_TYPE: Final = 402
INVALID_TIME_IN_FORCE: Final = 403
INVALID_FLAGS: Final = 404
INVALID_COMBINATION: Final = 405
QUANTITY_NOT_POSITIVE: Final = 406
QUANTITY_TOO_SMALL: Final = 407
QUANTITY_TOO_LARGE: Final = 408
PRICE_NOT_POSITIVE: Final = 409
PRICE_TOO_LOW: Final = 410
PRICE_TOO_HIGH: Final = 411
INVALID_DISPLAY: Final = 413
INVALID_MINIMUM: Final = 414
INVALID_EXPIRY: Final = 415
INVALID_TRIGGER: Final = 416
INVALID_TRAIL: Final = 417
INVALID_PEG: Final = 418
INVALID_SELF_TRADE: Final = 419
INVALID_LINK: Final = 420
INVALID_TIMEOUT: Final = 421
AMOUNT_NOT_POSITIVE: Final = 422
INVALID_TRANSFER: Final = 423
LIMIT_NEEDED: Final = 424

UNKNOWN_ORDER: Final = 501
ORDER_ENDED: Final = 502
NOTHING_TO_REPLACE: Final = 503
WOULD_TRADE: Final = 504
ALREADY_TRIGGERED: Final = 505
NO_REFERENCE: Final = 506
LINK_ENDED: Final = 507

TOO_MANY_OPEN_ORDERS: Final = 601
TOO_MANY_INSTRUMENTS: Final = 602
ORDER_QUANTITY_LIMIT: Final = 603
ORDER_NOTIONAL_LIMIT: Final = 604
OPEN_ORDERS_LIMIT: Final = 605
ACCOUNT_STOPPED: Final = 606
MESSAGE_RATE_LIMIT: Final = 607
DAY_QUANTITY_LIMIT: Final = 608
DAY_NOTIONAL_LIMIT: Final = 609
INSUFFICIENT_FUNDS: Final = 610
BALANCE_TOO_LARGE: Final = 611
POSITION_LIMIT: Final = 612
OPEN_NOTIONAL_LIMIT: Final = 613
DAILY_LOSS_LIMIT: Final = 614
PRICE_COLLAR: Final = 615
ORDER_TO_TRADE_LIMIT: Final = 616
REDUCE_ONLY: Final = 617

INVALID_INSTRUMENT: Final = 701
INSTRUMENT_DIFFERS: Final = 702
INVALID_PHASE: Final = 703
CLOCK_IS_SYSTEM: Final = 704
TIME_NOT_LATER: Final = 705
INVALID_LIMITS: Final = 706
UNKNOWN_TRADE: Final = 707
TRADE_OF_ANOTHER_DAY: Final = 708
TRADE_NOT_KEPT: Final = 709
TRADE_BUSTED: Final = 710
INVALID_CORRECTION: Final = 711
TIME_TOO_FAR: Final = 712
INVALID_DURATION: Final = 713
INVALID_PROTECTION: Final = 714
INVALID_BREAKERS: Final = 715
INVALID_SCHEDULE: Final = 716
INVALID_KILL_SWITCH: Final = 717
INVALID_ASSET: Final = 718
ASSET_DIFFERS: Final = 719
ASSETS_DO_NOT_DIVIDE: Final = 720
TRADE_SETTLED: Final = 721
INVALID_FEES: Final = 722
REBATE_UNPAID: Final = 723
INVALID_FEE_TIERS: Final = 724
INVALID_GROUP: Final = 725
INVALID_RISK: Final = 726
UNKNOWN_GROUP: Final = 727
ACCOUNT_IN_USE: Final = 728

BY_REQUEST: Final = 801
BY_MASS_CANCEL: Final = 802
IOC_REMAINDER: Final = 803
FOK_UNFILLED: Final = 804
NO_LIQUIDITY: Final = 805
SESSION_ENDED: Final = 806
REPLACED_TO_FILLED: Final = 807
PROTECTION_REACHED: Final = 808
MINIMUM_UNFILLED: Final = 809
SELF_TRADE: Final = 810
POST_ONLY_MOVED: Final = 811
EXPIRED: Final = 812
LINKED: Final = 813
PEG_MOVED: Final = 814
REFERENCE_GONE: Final = 815
CANCEL_ALL_AFTER: Final = 816
QUOTE_REPLACED: Final = 817
AUCTION_OVER: Final = 818
BAND_REACHED: Final = 819
KILL_SWITCH: Final = 820
EMERGENCY_STOP: Final = 821
UNBACKED: Final = 822
RISK_LIMIT: Final = 823

SKIPPED: Final = 901

#: number -> (name as JSON and documents have it, what it means)
REASONS: Final[dict[int, tuple[str, str]]] = {
    MALFORMED: ("malformed", "the bytes are not a message of this protocol; the text says where"),
    UNSUPPORTED_VERSION: ("unsupported_version", "a protocol version that this engine does not speak"),
    MESSAGE_TOO_LARGE: ("message_too_large", "more bytes or more commands in one message than Welcome allows"),
    CHOSEN_ROUTING_ID: ("chosen_routing_id", "the client set its own ZeroMQ routing id; leave it to the engine"),
    HELLO_FIRST: ("hello_first", "no session on this connection: say Hello first"),
    NOT_YOUR_SESSION: ("not_your_session", "the session is of another connection, has ended, or its key is wrong"),
    BAD_TOKEN: ("bad_token", "the role needs the token of the data directory"),
    INVALID_ACCOUNT: ("invalid_account", "account names are 1 to 32 of A-Z a-z 0-9 _ . -"),
    TOO_MANY_SESSIONS: ("too_many_sessions", "the engine has as many sessions as it is allowed"),
    QUEUE_FULL: ("queue_full", "too much waits already, mostly for the disk; nothing was taken, send the message again"),
    RATE_EXCEEDED: ("rate_exceeded", "more commands a second than a session may send; nothing of the message was taken"),
    INVALID_LEASE: ("invalid_lease", "a lease is within the bounds that docs/protocol.md states, or 0"),
    NOT_OFFERED: ("not_offered", "no such topic, symbol, order or kind of snapshot"),
    NOT_YET: ("not_yet", "it is not known yet, and did not come in time; ask again"),
    TOO_MANY_REQUESTS: ("too_many_requests", "as many requests of this connection wait as may; ask again when some are answered"),
    UNAVAILABLE: ("unavailable", "the database does not answer at the moment; ask again later"),
    INVALID_REQUEST: ("invalid_request", "no request that could be answered; the text says why"),
    NOT_PERMITTED: ("not_permitted", "the session's role may not do this"),
    STALE: ("stale", "created so long ago that the engine may have forgotten its id: not risked twice"),
    FROM_THE_FUTURE: ("from_the_future", "created more than an hour after the engine's time"),
    INVALID_ID: ("invalid_id", "ids are 1 to 36 printable characters; name an order by exactly one of its ids"),
    ID_TAKEN: ("id_taken", "the account used this id before, for something else"),
    TOO_LATE: ("too_late", "the deadline of its message had passed; nothing was done, and the id is free"),
    BATCH_REFUSED: ("batch_refused", "another command of its message was refused, and all or nothing was to be done"),
    ACCOUNT_CLOSED: ("account_closed", "the account is closed"),
    UNKNOWN_SYMBOL: ("unknown_symbol", "no instrument has this symbol"),
    NOT_TRADING: ("not_trading", "the instrument is halted or closed: only cancels are taken"),
    NOT_IN_PHASE: ("not_in_phase", "the instrument's phase takes orders, but none of this kind"),
    MARKET_STOPPED: ("market_stopped", "the whole market was stopped: only cancels are taken"),
    NO_CLEARING: ("no_clearing", "the venue does not clear: accounts have no money here"),
    UNKNOWN_ASSET: ("unknown_asset", "no such asset is defined"),
    UNKNOWN_ACCOUNT: ("unknown_account", "there is no such account"),
    INVALID_SIDE: ("invalid_side", "a side is 1 (buy) or 2 (sell)"),
    INVALID_ORDER_TYPE: ("invalid_order_type", "no such order type"),
    INVALID_TIME_IN_FORCE: ("invalid_time_in_force", "no such time in force"),
    INVALID_FLAGS: ("invalid_flags", "a flag that does not exist"),
    INVALID_COMBINATION: ("invalid_combination", "what the order is, its time in force and its flags do not go together"),
    QUANTITY_NOT_POSITIVE: ("quantity_not_positive", "a quantity is at least one lot"),
    QUANTITY_TOO_SMALL: ("quantity_too_small", "below the instrument's smallest quantity"),
    QUANTITY_TOO_LARGE: ("quantity_too_large", "above the instrument's largest quantity"),
    PRICE_NOT_POSITIVE: ("price_not_positive", "a limit price is at least one tick"),
    PRICE_TOO_LOW: ("price_too_low", "below the instrument's lowest price"),
    PRICE_TOO_HIGH: ("price_too_high", "above the instrument's highest price"),
    INVALID_DISPLAY: ("invalid_display", "an iceberg shows at least the smallest quantity and less than all of itself"),
    INVALID_MINIMUM: ("invalid_minimum", "a minimum quantity is at least one lot and at most the order's quantity"),
    INVALID_EXPIRY: ("invalid_expiry", "a GTD order names a time to come, and no other order does"),
    INVALID_TRIGGER: ("invalid_trigger", "stops and take-profits have a trigger within the price limits, no others do"),
    INVALID_TRAIL: ("invalid_trail", "a trailing stop has one distance, in ticks or basis points, and no others do"),
    INVALID_PEG: ("invalid_peg", "a pegged order follows one reference without crossing it, and no others do"),
    INVALID_SELF_TRADE: ("invalid_self_trade", "no such way to prevent self-trades"),
    INVALID_LINK: ("invalid_link", "an order is linked to other open orders of its account, never to itself"),
    INVALID_TIMEOUT: ("invalid_timeout", "a countdown lasts at most 24 hours; 0 stops it"),
    AMOUNT_NOT_POSITIVE: ("amount_not_positive", "a transfer moves at least one unit"),
    INVALID_TRANSFER: ("invalid_transfer", "a transfer is between two different accounts with well-formed names, a trader's within its family, to one that is there"),
    LIMIT_NEEDED: ("limit_needed", "where orders are backed, what buys at market has a protection limit and what is pegged a worst price"),
    UNKNOWN_ORDER: ("unknown_order", "the account has no order of this id"),
    ORDER_ENDED: ("order_ended", "the order is filled, cancelled or was rejected"),
    NOTHING_TO_REPLACE: ("nothing_to_replace", "a replace names a new price, a new quantity or both"),
    WOULD_TRADE: ("would_trade", "a post-only order would trade at once"),
    ALREADY_TRIGGERED: ("already_triggered", "the last trade has reached the trigger already"),
    NO_REFERENCE: ("no_reference", "there is nothing to peg to"),
    LINK_ENDED: ("link_ended", "the order that it is linked to is not open"),
    TOO_MANY_OPEN_ORDERS: ("too_many_open_orders", "the account has as many open orders as it is allowed"),
    TOO_MANY_INSTRUMENTS: ("too_many_instruments", "the engine has as many instruments as it is allowed"),
    ORDER_QUANTITY_LIMIT: ("order_quantity_limit", "more than one order of the account may be of"),
    ORDER_NOTIONAL_LIMIT: ("order_notional_limit", "worth more than one order of the account may be"),
    OPEN_ORDERS_LIMIT: ("open_orders_limit", "the account has as many open orders as its operator allows"),
    ACCOUNT_STOPPED: ("account_stopped", "the account's kill switch is on: only cancels are taken from it"),
    MESSAGE_RATE_LIMIT: ("message_rate_limit", "more commands in this second than the account's operator allows"),
    DAY_QUANTITY_LIMIT: ("day_quantity_limit", "with what the account has traded today more than it may trade in a day"),
    DAY_NOTIONAL_LIMIT: ("day_notional_limit", "with what the account has traded today worth more than it may trade in a day"),
    INSUFFICIENT_FUNDS: ("insufficient_funds", "the account has less free than this takes"),
    BALANCE_TOO_LARGE: ("balance_too_large", "all accounts together would have 2^63 units of the asset, or more"),
    POSITION_LIMIT: ("position_limit", "with all that is open the position would become larger than the account's limit"),
    OPEN_NOTIONAL_LIMIT: ("open_notional_limit", "all open orders would be worth more than the account's limit"),
    DAILY_LOSS_LIMIT: ("daily_loss_limit", "the account has lost as much today as it may; only what makes its position smaller is taken"),
    PRICE_COLLAR: ("price_collar", "the price is further from the last trade's than the account's limit"),
    ORDER_TO_TRADE_LIMIT: ("order_to_trade_limit", "the account has sent more commands today than its limit for each fill"),
    REDUCE_ONLY: ("reduce_only", "the account's position may only become smaller"),
    INVALID_INSTRUMENT: ("invalid_instrument", "the definition breaks a rule of DefineInstrument"),
    INSTRUMENT_DIFFERS: ("instrument_differs", "the symbol has other assets, tick, lot or matching; only limits may change"),
    INVALID_PHASE: ("invalid_phase", "no such phase, or no other one to follow it"),
    CLOCK_IS_SYSTEM: ("clock_is_system", "the engine runs on the system clock; start it with --clock commands"),
    TIME_NOT_LATER: ("time_not_later", "engine time only moves forward"),
    INVALID_LIMITS: ("invalid_limits", "limits are 0 or positive, of an account with a well-formed name"),
    UNKNOWN_TRADE: ("unknown_trade", "the instrument has had no trade of this id"),
    TRADE_OF_ANOTHER_DAY: ("trade_of_another_day", "the trade did not happen on this trading day"),
    TRADE_NOT_KEPT: ("trade_not_kept", "so many trades of the day came after it that the engine no longer keeps it"),
    TRADE_BUSTED: ("trade_busted", "the trade was busted before"),
    INVALID_CORRECTION: ("invalid_correction", "a corrected price is another one, within the price limits"),
    TIME_TOO_FAR: ("time_too_far", "engine time ends in 2100, so that it never leaves the numbers that carry it"),
    INVALID_DURATION: ("invalid_duration", "auctions and halts last at most 24 hours, and end by chance only if they end"),
    INVALID_PROTECTION: ("invalid_protection", "bands of 1 to 10,000 basis points, the dynamic one no wider, an auction of 1 ms to 24 hours"),
    INVALID_BREAKERS: ("invalid_breakers", "breakers have up to three rising levels below 100%, and auctions behind them"),
    INVALID_SCHEDULE: ("invalid_schedule", "hours that contradict each other, or no hours: see docs/rules.md"),
    INVALID_KILL_SWITCH: ("invalid_kill_switch", "a kill switch is of an account with a well-formed name"),
    INVALID_ASSET: ("invalid_asset", "assets are 1 to 12 of A-Z 0-9, with 0 to 18 decimals"),
    ASSET_DIFFERS: ("asset_differs", "the decimals of an asset never change"),
    ASSETS_DO_NOT_DIVIDE: ("assets_do_not_divide", "a lot, and a tick times a lot, are whole units of their assets, and no order reaches 2^63 of them"),
    TRADE_SETTLED: ("trade_settled", "the trade has moved money; what is to be given back is transferred"),
    INVALID_FEES: ("invalid_fees", "fees that contradict themselves, or do not fit the instrument: see docs/rules.md"),
    REBATE_UNPAID: ("rebate_unpaid", "a rebate could be more than the other side of the same match pays"),
    INVALID_FEE_TIERS: ("invalid_fee_tiers", "up to 31 volumes that rise, each of 1 unit or more"),
    INVALID_GROUP: ("invalid_group", "a group has a name like an account, a discount of up to everything, and is there before anybody joins; there are at most 1,000"),
    INVALID_RISK: ("invalid_risk", "limits of risk are 0 or positive, of a well-formed name; what goes with a limit comes with it, and a stated position has a symbol and at most 2^62 lots"),
    UNKNOWN_GROUP: ("unknown_group", "there is no group of accounts of this name"),
    ACCOUNT_IN_USE: ("account_in_use", "an account with open orders or money is not closed"),
    BY_REQUEST: ("by_request", "the account asked for it"),
    BY_MASS_CANCEL: ("by_mass_cancel", "a mass cancel took it"),
    IOC_REMAINDER: ("ioc_remainder", "what an IOC order could not trade at once"),
    FOK_UNFILLED: ("fok_unfilled", "the book could not fill the whole FOK order"),
    NO_LIQUIDITY: ("no_liquidity", "the book was empty before the market order was filled"),
    SESSION_ENDED: ("session_ended", "its session ended, and the session was cancel-on-disconnect"),
    REPLACED_TO_FILLED: ("replaced_to_filled", "a replace asked for no more than was filled already"),
    PROTECTION_REACHED: ("protection_reached", "a market order met nothing more within its protection limit"),
    MINIMUM_UNFILLED: ("minimum_unfilled", "the book could not fill the order's minimum quantity at once"),
    SELF_TRADE: ("self_trade", "the order met one of the same owner"),
    POST_ONLY_MOVED: ("post_only_moved", "the order would have traded at once and rests one tick further away"),
    EXPIRED: ("expired", "the order's time is over"),
    LINKED: ("linked", "the order that it was linked to traded or ended"),
    PEG_MOVED: ("peg_moved", "the price that the order follows has moved"),
    REFERENCE_GONE: ("reference_gone", "the price that the order follows is gone"),
    CANCEL_ALL_AFTER: ("cancel_all_after", "the account did not start its countdown again in time"),
    QUOTE_REPLACED: ("quote_replaced", "a newer quote of its account took its place, ended it, or would have met it"),
    AUCTION_OVER: ("auction_over", "the auction that the order was for is over"),
    BAND_REACHED: ("band_reached", "what it would have met next was beyond a price band"),
    KILL_SWITCH: ("kill_switch", "the kill switch of its account was set"),
    EMERGENCY_STOP: ("emergency_stop", "an operator emptied the books of a market that he stopped"),
    UNBACKED: ("unbacked", "the order was released, and its account had less free than it takes"),
    RISK_LIMIT: ("risk_limit", "a limit of its account's risk did not let it become active, or stay"),
    SKIPPED: ("skipped", "the operator skipped this command after it stopped the engine"),
}  # fmt: skip


def reason_name(reason: int) -> str:
    """The name of a reason; a number this version does not know is shown as itself."""
    known = REASONS.get(reason)
    return known[0] if known else f"reason_{reason}"
