"""A good body of each kind, for documents."""

from typing import Any, Final

from msgspec import Struct

from web.schemas.admin import (
    AccountLimits,
    Breakers,
    Emergency,
    KillSwitch,
    NewPhase,
    NewProtection,
    NewSchedule,
)
from web.schemas.alerts import AlertWish
from web.schemas.keys import NewKey
from web.schemas.money import NewAsset, NewTransfer, OperatorTransfer, Withdrawal
from web.schemas.orders import Batch, CancelAll, CancelAllAfter, NewOrder, OrderCancel, OrderReplace
from web.schemas.risk import AccountRisk, GroupKillSwitch, GroupRisk

_ORDER: Final = {"symbol": "BTC-USD", "side": "buy", "quantity": "0.5", "price": "30000"}

EXAMPLES: Final[dict[type[Struct], Any]] = {
    NewOrder: {**_ORDER, "type": "limit", "time_in_force": "GTC", "client_order_id": "my-1"},
    OrderCancel: {"symbol": "BTC-USD", "client_order_id": "my-1"},
    OrderReplace: {"symbol": "BTC-USD", "client_order_id": "my-1", "price": "30001"},
    CancelAll: {"symbol": "BTC-USD", "side": "buy"},
    CancelAllAfter: {"timeout_ms": 60_000},
    Batch: {
        "orders": [
            {"op": "enter", **_ORDER, "client_order_id": "my-2"},
            {"op": "cancel", "symbol": "BTC-USD", "client_order_id": "my-1"},
        ]
    },
    NewKey: {"scopes": ["read"], "addresses": ["10.1.0.0/16"], "label": "the page"},
    NewPhase: {
        "symbol": "BTC-USD",
        "phase": "opening-auction",
        "duration_ms": 300_000,
        "random_ms": 30_000,
        "why": "the morning",
    },
    NewProtection: {
        "symbol": "BTC-USD",
        "static_basis_points": 1_000,
        "dynamic_basis_points": 300,
        "auction_ms": 120_000,
        "random_ms": 30_000,
    },
    NewSchedule: {
        "symbol": "BTC-USD",
        "zone": "Europe/Berlin",
        "days": [
            {
                "weekdays": "mon-fri",
                "hours": [
                    {"at": "08:50", "phase": "opening-auction", "random_ms": 30_000},
                    {"at": "09:00", "phase": "continuous"},
                    {"at": "17:30", "phase": "closed"},
                ],
            }
        ],
        "holidays": [{"date": "2026-12-25"}],
    },
    KillSwitch: {"account": "alice", "on": True, "why": "her system runs wild"},
    Emergency: {"on": True, "why": "the data centre burns"},
    Breakers: {
        "levels": [
            {"basis_points": 700, "halt_ms": 900_000},
            {"basis_points": 1_300, "halt_ms": 900_000},
            {"basis_points": 2_000, "halt_ms": 0},
        ],
        "auction_ms": 300_000,
        "why": "as on every day",
    },
    AccountLimits: {"account": "alice", "symbol": "BTC-USD", "order_quantity": "5", "open_orders": 200},
    GroupRisk: {"group": "desk", "symbol": "BTC-USD", "long": "50", "short": "50"},
    GroupKillSwitch: {"group": "desk", "on": True, "why": "they run wild"},
    AccountRisk: {"account": "alice", "symbol": "BTC-USD", "long": "5", "short": "5", "position": "-0.5"},
    NewTransfer: {"target": "alice.algo", "asset": "USD", "amount": "500", "transfer_id": "to-algo-1"},
    Withdrawal: {"asset": "USD", "amount": "250.5", "transfer_id": "payout-12"},
    OperatorTransfer: {
        "account": "alice",
        "asset": "USD",
        "amount": "10000",
        "transfer_id": "wire-4711",
        "why": "wire of March 3",
    },
    NewAsset: {"asset": "USD", "decimals": 6},
    AlertWish: {"alert_id": "high", "symbol": "BTC-USD", "condition": "price-above", "threshold": "31000"},
}
