"""Alerts of accounts: made, listed and removed at every publisher.

Each publisher watches for itself, so that an alert fires as long as one of them lives. The publishers keep them; the
web knows them again by their ids (`web.alert_ids`).
"""

from typing import Final, TypeVar

from bus.errors import MatchbusError, NotTaken, TimedOut
from bus.protocol.market import requests
from bus.protocol.market.requests import AlertsAnswer
from bus.protocol.reasons import NOT_OFFERED
from bus.sockets.market import questions
from bus.sockets.market.questions import Answered, Question
from web.alerts import alert, question_of
from web.asking import ask_each
from web.call import Call
from web.errors import CONFLICT, INVALID_FIELD, NOT_FOUND, UNKNOWN, UNREACHABLE, Refusal
from web.guard.principal import READ
from web.routes import MARKET, Route
from web.schemas.alerts import Alert, Alerts, AlertsQuery, AlertWish

#: Publishers watch for 1,000 alerts of a symbol at the most: twenty accounts that want as many as they may have.
ALERTS_PER_ACCOUNT_MAX: Final = 50
_SOON: Final = {"Retry-After": "1"}
A = TypeVar("A")

#: An account's alerts: symbol and name, and what each publisher that watches for it says of it.
_Own = dict[tuple[str, str], list[requests.Alert]]


async def arm(call: Call) -> Alert:
    """Watch a symbol for a condition."""
    wish: AlertWish = call.body
    account = call.caller.account
    scale = await call.house.symbols.scale(wish.symbol)
    parameters, hysteresis = question_of(scale, wish)
    own = await _own(call)
    mine = [key for key in own if key[0] == wish.symbol]
    if (wish.symbol, wish.alert_id) not in own and len(mine) >= ALERTS_PER_ACCOUNT_MAX:
        text = f"an account has at most {ALERTS_PER_ACCOUNT_MAX} alerts of a symbol: remove one before"
        raise Refusal(INVALID_FIELD, text, "alert_id", status=CONFLICT)
    question = questions.arm_alert(
        call.house.alert_ids.seal(account, wish.symbol, wish.alert_id),
        wish.symbol,
        wish.condition,
        parameters,
        repeating=wish.repeating,
        hysteresis=hysteresis,
    )
    said = await ask_each(call.house.market, question)
    told = [one.alerts[0] for one in _answers(said, "ask for your alerts, or send it again") if one.alerts]
    for symbol, name in own:
        if name == wish.alert_id and symbol != wish.symbol:
            await _disarm(call, symbol, name)
    return alert(scale, wish.alert_id, told, len(said))


async def alerts(call: Call) -> Alerts:
    """The alerts of the account."""
    query: AlertsQuery = call.query
    if query.symbol is not None:
        await call.house.symbols.scale(query.symbol)  # one that does not exist is refused by name
    return Alerts(
        [
            await _shown(call, key, told)
            for key, told in sorted((await _own(call)).items())
            if query.symbol in (None, key[0])
        ]
    )


async def disarm(call: Call) -> Alert:
    """Watch no longer: the alert as it was."""
    name = call.path["alert_id"]
    own = await _own(call)
    found = sorted(key for key in own if key[1] == name)
    if not found:
        raise Refusal(NOT_FOUND, "the account has no alert of this name", "alert_id")
    for symbol, _ in found:
        await _disarm(call, symbol, name)
    return await _shown(call, found[0], own[found[0]])


async def _shown(call: Call, key: tuple[str, str], told: list[requests.Alert]) -> Alert:
    scale = await call.house.symbols.scale(key[0])
    return alert(scale, key[1], told, len(call.house.publishers))


async def _own(call: Call) -> _Own:
    """The account's alerts at all publishers that answer. O(alerts of all accounts). Raises Refusal when none does."""
    said = await ask_each(call.house.market, questions.alerts())
    own: _Own = {}
    for one in _answers(said):
        for told in one.alerts:
            name = call.house.alert_ids.open(call.caller.account, told.symbol, told.alert_id)
            if name is not None:
                own.setdefault((told.symbol, name), []).append(told)
    return own


async def _disarm(call: Call, symbol: str, name: str) -> None:
    """At every publisher; one that has no such alert has nothing to do. Raises Refusal when it may go on somewhere."""
    alert_id = call.house.alert_ids.seal(call.caller.account, symbol, name)
    question: Question[AlertsAnswer] = questions.disarm_alert(alert_id)
    for one in await ask_each(call.house.market, question):
        if isinstance(one, NotTaken) and one.reason == NOT_OFFERED:
            continue
        if isinstance(one, MatchbusError):
            raise Refusal(UNKNOWN, "a publisher does not answer: the alert may still fire; send it again")


def _answers(said: list[Answered[A] | MatchbusError], what_to_do: str = "") -> list[A]:
    """What was answered by those who did. Raises Refusal when nobody did.

    `what_to_do`: when something may have been done, though nobody said so.
    """
    answers = [one.answer for one in said if not isinstance(one, MatchbusError)]
    if answers:
        return answers
    refused = next((one for one in said if isinstance(one, NotTaken)), None)
    if refused is not None:
        if refused.reason == NOT_OFFERED:
            raise Refusal(INVALID_FIELD, str(refused), status=CONFLICT)
        raise refused
    if what_to_do and any(isinstance(one, TimedOut) for one in said):
        raise Refusal(UNKNOWN, f"no publisher answers: it may have been done; {what_to_do}", headers=_SOON)
    raise Refusal(UNREACHABLE, headers=_SOON)


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/alerts",
        handler=arm,
        summary="Be told when a value of a symbol reaches a threshold",
        scope=READ,
        cost=MARKET,
        body=AlertWish,
        answer=Alert,
    ),
    Route(
        method="GET",
        path="/api/v1/alerts",
        handler=alerts,
        summary="The alerts of the account",
        scope=READ,
        cost=MARKET,
        query=AlertsQuery,
        answer=Alerts,
    ),
    Route(
        method="DELETE",
        path="/api/v1/alerts/{alert_id}",
        handler=disarm,
        summary="Be told no longer",
        scope=READ,
        cost=MARKET,
        answer=Alert,
    ),
)
