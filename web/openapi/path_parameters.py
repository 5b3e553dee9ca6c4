"""What may stand in the place of a path's `{name}`: its schema, and what it is."""

from typing import Any, Final

from bus.protocol.market.streams import INTERVALS

_ACCOUNT: Final = r"^[A-Za-z0-9_.-]{1,32}$"

#: name -> (schema, description)
PATH_PARAMETERS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "symbol": ({"type": "string", "pattern": r"^[A-Z0-9_-]{1,20}$"}, "The name of an instrument."),
    "interval": ({"enum": list(INTERVALS)}, "How long a candle lasts."),
    "indicator": (
        {"type": "string", "minLength": 1, "maxLength": 20},
        "The name of an indicator, such as `sma`.",
    ),
    "account": ({"type": "string", "minLength": 1, "maxLength": 32}, "The name of an account."),
    "key": ({"type": "string", "minLength": 1, "maxLength": 64}, "The id of an API key."),
}


def path_parameter(name: str) -> dict[str, Any]:
    """The parameter of this name."""
    plain = {"type": "string", "minLength": 1}, f"Which {name.replace('_', ' ')} is meant."
    schema, description = PATH_PARAMETERS.get(name, plain)
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
