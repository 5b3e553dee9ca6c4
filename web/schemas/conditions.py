"""Which fields of a body need each other, as JSON Schema says it: for documents.

`web.order_commands` refuses a body in which it is not so. Other rules depend on the instrument and the market.
"""

from typing import Any, Final, get_args

from msgspec import Struct

from web.schemas.orders import (
    PRICED,
    CancelItem,
    EnterItem,
    NewOrder,
    OrderCancel,
    OrderReplace,
    OrderType,
    ReplaceItem,
)

_PRICE: Final = {
    "anyOf": [
        {"required": ["price"], "properties": {"price": {"type": "string"}}},
        {
            "required": ["type"],
            "properties": {"type": {"enum": [name for name in get_args(OrderType) if name not in PRICED]}},
        },
    ]
}
_ONE_ID: Final = {
    "oneOf": [
        {
            "required": ["order_id"],
            "properties": {"order_id": {"type": "integer"}, "client_order_id": {"type": "null"}},
        },
        {
            "required": ["client_order_id"],
            "properties": {"client_order_id": {"type": "string"}, "order_id": {"type": "null"}},
        },
    ]
}

#: Keywords of each body's schema, beside those that its fields have.
CONDITIONS: Final[dict[type[Struct], dict[str, Any]]] = {
    NewOrder: _PRICE,
    EnterItem: _PRICE,
    OrderCancel: _ONE_ID,
    CancelItem: _ONE_ID,
    OrderReplace: _ONE_ID,
    ReplaceItem: _ONE_ID,
}
