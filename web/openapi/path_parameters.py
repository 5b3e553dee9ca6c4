"""What may stand in the place of a path's `{name}`: its schema, and what it is."""

from typing import Any, Final

from bus.protocol.market.streams import INTERVALS

#: name -> (schema, description, example)
PATH_PARAMETERS: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "symbol": ({"type": "string", "pattern": r"^[A-Z0-9_-]{1,20}$"}, "The name of an instrument.", "BTC-USD"),
    "interval": ({"enum": list(INTERVALS)}, "How long a candle lasts.", "1m"),
    "indicator": (
        {"type": "string", "minLength": 1, "maxLength": 20},
        "The name of an indicator.",
        "sma",
    ),
    "account": ({"type": "string", "pattern": r"^[A-Za-z0-9_.-]{1,32}$"}, "The name of an account.", "alice"),
    "key": ({"type": "string", "minLength": 1, "maxLength": 64}, "The id of an API key.", "0" * 32),
}


def path_parameter(name: str) -> dict[str, Any]:
    """The parameter of this name."""
    plain = {"type": "string", "minLength": 1}, f"Which {name.replace('_', ' ')} is meant.", "mine"
    schema, description, example = PATH_PARAMETERS.get(name, plain)
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }
