"""API keys: an account's own with a key of scope `trade`, everybody's with one of scope `operator`.

The rule guarded here: nobody makes a key that may more than an account may. Only an operator makes operators, and whose
key may not withdraw makes none that may.
"""

from typing import Any, Final

from bus.errors import KeyRefused
from bus.protocol.reasons import INVALID_ACCOUNT
from bus.protocol.topics import ACCOUNT
from web.call import Call
from web.errors import CONFLICT, INVALID_FIELD, NOT_FOUND, SCOPE_MISSING, TOO_MANY_KEYS, Refusal
from web.guard.keys import KEY_ID, Key, wish
from web.guard.principal import OPERATOR, TRADE, WITHDRAW
from web.routes import KEYS, Route
from web.schemas.keys import KeyDescription, KeyList, MadeKey, NewKey


async def own_keys(call: Call) -> KeyList:
    """The caller's keys."""
    return await _list(call, call.caller.account)


async def keys_of_account(call: Call) -> KeyList:
    """An account's keys."""
    return await _list(call, call.path["account"])


async def make_own(call: Call) -> MadeKey:
    """A key for the caller's account."""
    if OPERATOR in call.body.scopes:
        raise Refusal(SCOPE_MISSING, "an account makes no keys of scope operator", "scopes")
    if WITHDRAW in call.body.scopes and WITHDRAW not in call.caller.scopes:
        raise Refusal(SCOPE_MISSING, "only a key of scope withdraw makes one of it", "scopes")
    return await _make(call, call.caller.account)


async def make_of_account(call: Call) -> MadeKey:
    """A key for an account."""
    return await _make(call, call.path["account"])


async def revoke_own(call: Call) -> KeyDescription:
    """Revoke a key of the caller's account, for good."""
    return await _revoke(call, call.caller.account)


async def revoke_of_account(call: Call) -> KeyDescription:
    """Revoke a key of an account, for good."""
    return await _revoke(call, call.path["account"])


async def _list(call: Call, account: str) -> KeyList:
    _check_account(account)
    return KeyList([KeyDescription(**_named(key)) for key in await call.house.keys.of_account(account)])


async def _make(call: Call, account: str) -> MadeKey:
    body: NewKey = call.body
    _check_account(account)
    try:
        wanted = wish(account, body.scopes, body.addresses, body.expires_ms or 0, body.label, body.public_key)
        key, secret = await call.house.keys.create(wanted)
    except KeyRefused as refused:
        raise Refusal(
            INVALID_FIELD if refused.field else TOO_MANY_KEYS,
            str(refused),
            refused.field or None,
            status=CONFLICT,
        ) from None
    return MadeKey(**_named(key), secret=secret)


async def _revoke(call: Call, account: str) -> KeyDescription:
    key_id = call.path["key"]
    key = await call.house.keys.revoke(key_id, account) if KEY_ID.fullmatch(key_id) else None
    if key is None:
        raise Refusal(NOT_FOUND, f"{account} has no such key", "key")
    return KeyDescription(**_named(key))


def _check_account(account: str) -> None:
    if ACCOUNT.fullmatch(account) is None:
        raise Refusal(INVALID_ACCOUNT, field="account")


def _named(key: Key) -> dict[str, Any]:
    return {
        "key": key.key_id,
        "account": key.account,
        "scopes": sorted(key.scopes),
        "kind": key.kind,
        "addresses": [str(network) for network in key.networks],
        "label": key.label,
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms or None,
        "revoked_ms": key.revoked_ms or None,
    }


_OWN: Final = "/api/v1/keys"
_OF_ACCOUNT: Final = "/api/v1/accounts/{account}/keys"

ROUTES: Final = (
    Route(
        method="GET",
        path=_OWN,
        handler=own_keys,
        summary="The account's API keys, without their secrets",
        scope=TRADE,
        cost=KEYS,
        answer=KeyList,
    ),
    Route(
        method="POST",
        path=_OWN,
        handler=make_own,
        summary="Make an API key for the account",
        scope=TRADE,
        cost=KEYS,
        body=NewKey,
        answer=MadeKey,
        status=201,
    ),
    Route(
        method="DELETE",
        path=f"{_OWN}/{{key}}",
        handler=revoke_own,
        summary="Revoke an API key of the account",
        scope=TRADE,
        cost=KEYS,
        answer=KeyDescription,
    ),
    Route(
        method="GET",
        path=_OF_ACCOUNT,
        handler=keys_of_account,
        summary="An account's API keys, for operators",
        scope=OPERATOR,
        cost=KEYS,
        answer=KeyList,
    ),
    Route(
        method="POST",
        path=_OF_ACCOUNT,
        handler=make_of_account,
        summary="Make an API key for an account, for operators",
        scope=OPERATOR,
        cost=KEYS,
        body=NewKey,
        answer=MadeKey,
        status=201,
    ),
    Route(
        method="DELETE",
        path=f"{_OF_ACCOUNT}/{{key}}",
        handler=revoke_of_account,
        summary="Revoke an API key of an account, for operators",
        scope=OPERATOR,
        cost=KEYS,
        answer=KeyDescription,
    ),
)
