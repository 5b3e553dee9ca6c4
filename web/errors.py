"""What a caller is told instead of an answer: one JSON shape, the engine's own codes, and a few of the web's.

    {"code": 301, "reason": "unknown_symbol", "message": "no instrument has this symbol", "field": "symbol",
     "request_id": "..."}

The rule guarded here: a status of 5xx never means "not executed" unless it says so. Reasons of the engine
(`bus.protocol.reasons`) keep their numbers and names; those of the web have numbers from 1001 on. Raised by handlers
and by the guard; `handling` makes the answer.
"""

import re
from typing import Final

import msgspec

from bus.errors import (
    AnswerLost,
    Busy,
    MatchbusError,
    NotConnected,
    NotTaken,
    OffLot,
    OffTick,
    SessionRefused,
    TimedOut,
    UnknownSymbol,
)
from bus.protocol import reasons as engine_reasons
from bus.protocol.reasons import REASONS

# The web's own reasons.
NOT_FOUND: Final = 1001
METHOD_NOT_ALLOWED: Final = 1002
BAD_JSON: Final = 1003
INVALID_FIELD: Final = 1004
UNKNOWN_FIELD: Final = 1005
MISSING_FIELD: Final = 1006
WRONG_CONTENT_TYPE: Final = 1007
BODY_TOO_LARGE: Final = 1008
BAD_QUERY: Final = 1009
KEY_NEEDED: Final = 1010
BAD_KEY: Final = 1011
BAD_SIGNATURE: Final = 1012
TIMESTAMP_OUTSIDE: Final = 1013
SCOPE_MISSING: Final = 1014
ADDRESS_REFUSED: Final = 1015
RATE_LIMITED: Final = 1016
BLOCKED: Final = 1017
UNKNOWN: Final = 1018
UNREACHABLE: Final = 1019
BUG: Final = 1020
TOO_MANY_KEYS: Final = 1021
HEAD_TOO_LARGE: Final = 1031
BAD_HTTP: Final = 1032
TOO_MANY_CONNECTIONS: Final = 1033
BAD_PATH: Final = 1034
UPGRADE_NEEDED: Final = 1041
TOO_MANY_SUBSCRIPTIONS: Final = 1042
ORIGIN_REFUSED: Final = 1043

#: number -> (name, HTTP status, what it means)
WEB_REASONS: Final[dict[int, tuple[str, int, str]]] = {
    NOT_FOUND: ("not_found", 404, "there is nothing at this path"),
    METHOD_NOT_ALLOWED: ("method_not_allowed", 405, "no such method here; the header Allow names those there are"),
    BAD_JSON: ("bad_json", 400, "the body is not JSON in UTF-8"),
    INVALID_FIELD: ("invalid_field", 400, "a value is not what it should be; the message says what that is"),
    UNKNOWN_FIELD: ("unknown_field", 400, "there is no field of this name here"),
    MISSING_FIELD: ("missing_field", 400, "this field has to be given"),
    WRONG_CONTENT_TYPE: ("wrong_content_type", 415, "a body is application/json"),
    BODY_TOO_LARGE: ("body_too_large", 413, "the body has more bytes than is allowed here"),
    BAD_QUERY: ("bad_query", 400, "the query cannot be read: a parameter stands there twice, or is not UTF-8"),
    KEY_NEEDED: ("key_needed", 401, "this needs a signed request: X-API-Key, X-Timestamp and X-Signature"),
    BAD_KEY: ("bad_key", 401, "no such key, or it was revoked, or has expired"),
    BAD_SIGNATURE: ("bad_signature", 401, "the signature is not that of this request by this key"),
    TIMESTAMP_OUTSIDE: ("timestamp_outside", 401, "X-Timestamp is too far from the server's time"),
    SCOPE_MISSING: ("scope_missing", 403, "the key is not for this"),
    ADDRESS_REFUSED: ("address_refused", 403, "the key is not to be used from this address"),
    RATE_LIMITED: ("rate_limited", 429, "too many requests; the header Retry-After says when to go on"),
    BLOCKED: ("blocked", 403, "this address or key is blocked for a while"),
    UNKNOWN: ("unknown", 503, "execution status unknown: ask for the order by its client_order_id, then decide"),
    UNREACHABLE: ("unreachable", 503, "what answers this is not there at the moment; nothing was changed"),
    UPGRADE_NEEDED: ("upgrade_needed", 426, "a WebSocket is opened here"),
    TOO_MANY_SUBSCRIPTIONS: ("too_many_subscriptions", 400, "more than one connection may have"),
    ORIGIN_REFUSED: ("origin_refused", 403, "not from pages of another origin"),
    BUG: ("internal_error", 500, "something that nobody foresaw; execution status unknown"),
    TOO_MANY_KEYS: ("too_many_keys", 409, "the account has as many keys as it may have: revoke some"),
    HEAD_TOO_LARGE: ("head_too_large", 431, "path, query and headers have more bytes than is allowed"),
    BAD_HTTP: ("bad_http", 400, "this is no request in HTTP/1.1"),
    TOO_MANY_CONNECTIONS: ("too_many_connections", 503, "no room for one more connection; nothing was read of it"),
    BAD_PATH: ("bad_path", 400, "the path is not UTF-8"),
}  # fmt: skip

#: HTTP statuses of the engine's and the publishers' own reasons; others of a band by `_STATUS_OF_BAND`.
_STATUS_OF: Final = {
    engine_reasons.QUEUE_FULL: 503,
    engine_reasons.RATE_EXCEEDED: 429,
    engine_reasons.NOT_OFFERED: 404,
    engine_reasons.NOT_YET: 503,
    engine_reasons.TOO_MANY_REQUESTS: 503,
    engine_reasons.UNAVAILABLE: 503,
    engine_reasons.TOO_MANY_SESSIONS: 503,
    engine_reasons.ID_TAKEN: 409,
    engine_reasons.NOT_PERMITTED: 403,
    engine_reasons.UNKNOWN_SYMBOL: 404,
    engine_reasons.NO_CLEARING: 404,
    engine_reasons.UNKNOWN_ASSET: 404,
    engine_reasons.UNKNOWN_ORDER: 404,
}
_STATUS_OF_BAND: Final = {1: 400, 2: 400, 3: 409, 4: 409, 5: 409, 6: 403, 7: 400, 8: 409, 9: 409}
#: Each value is good in itself, but not together with the others, the instrument, or as things stand.
CONFLICT: Final = 409


class Refusal(Exception):
    """No answer but a reason. `headers`: more of the answer's own. `status`: where it is not the reason's own."""

    def __init__(
        self,
        code: int,
        message: str = "",
        field: str | None = None,
        headers: dict[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        known = WEB_REASONS.get(code)
        if known is not None:
            self.reason, self.status, sentence = known
        else:
            self.reason, sentence = REASONS[code]
            self.status = _STATUS_OF.get(code, _STATUS_OF_BAND[code // 100])
        self.status = status or self.status
        self.code = code
        self.message = message or sentence
        self.field = field
        self.headers = headers or {}
        super().__init__(f"{self.reason}: {self.message}")


_WHERE = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `(.*?)`")


def of_validation(error: msgspec.ValidationError) -> Refusal:
    """A body or a query whose values are not those of its Struct."""
    text = str(error)
    where = _WHERE.search(text)
    place = where.group(1) if where else ""
    text = _WHERE.sub("", text)
    if named := _NAMED.search(text):
        field = f"{place}.{named.group(1)}" if place else named.group(1)
        return Refusal(UNKNOWN_FIELD if "unknown field" in text else MISSING_FIELD, field=field)
    return Refusal(INVALID_FIELD, text, place or None)


def of_failure(error: MatchbusError) -> Refusal:
    """What a client of the bus raised. Only what may have happened after all is UNKNOWN."""
    if isinstance(error, OffTick):
        return Refusal(INVALID_FIELD, str(error), "price", status=CONFLICT)
    if isinstance(error, OffLot):
        return Refusal(INVALID_FIELD, str(error), "quantity", status=CONFLICT)
    if isinstance(error, UnknownSymbol):
        return Refusal(engine_reasons.UNKNOWN_SYMBOL, field="symbol")
    if isinstance(error, NotTaken | SessionRefused):
        return Refusal(error.reason if error.reason in REASONS else UNREACHABLE, str(error))
    if isinstance(error, Busy):
        return Refusal(error.reason or engine_reasons.QUEUE_FULL, str(error), headers={"Retry-After": "1"})
    if isinstance(error, TimedOut | AnswerLost):
        return Refusal(UNKNOWN)
    if isinstance(error, NotConnected):
        return Refusal(UNREACHABLE, headers={"Retry-After": "1"})
    return Refusal(UNKNOWN, f"execution status unknown: {error}")
