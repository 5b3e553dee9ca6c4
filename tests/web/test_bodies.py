"""JSON of callers is read strictly, and however its numbers are written."""

import json

import msgspec
import pytest

from web.bodies import read
from web.errors import Refusal
from web.schemas.orders import Batch, CancelAllAfter, NewOrder

TIMEOUT = msgspec.json.Decoder(CancelAllAfter)


@pytest.mark.parametrize(
    ("number", "timeout_ms"),
    [
        ("1", 1),
        ("1.0", 1),
        ("-0.0", 0),
        ("1e3", 1_000),
        ("1E+3", 1_000),
        ("1200e-2", 12),
        ("1." + "0" * 100_000, 1),
        ("0.000864e11", 86_400_000),
    ],
)
def test_a_whole_number_is_one_however_it_is_written(number: str, timeout_ms: int) -> None:
    for text in (f'{{"timeout_ms":{number}}}', f'{{"timeout_ms":{number}}}'.encode()):
        assert read(text, TIMEOUT) == CancelAllAfter(timeout_ms=timeout_ms)


def test_large_whole_numbers_are_exact() -> None:
    for number in (2**53 + 1, 2**63 - 1):
        batch = f'{{"orders":[{{"op":"cancel","symbol":"A","order_id":{number}.0}}]}}'
        assert (
            msgspec.to_builtins(read(batch, msgspec.json.Decoder(Batch)))["orders"][0]["order_id"] == number
        )


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        (b"", "bad_json", None),
        (b"{", "bad_json", None),
        (b'{"timeout_ms":1}}', "bad_json", None),
        (b'{"timeout_ms":01}', "bad_json", None),
        (b'{"timeout_ms":+1}', "bad_json", None),
        (b'{"timeout_ms":NaN}', "bad_json", None),
        (b'{"timeout_ms":1.0,"x":NaN}', "bad_json", None),
        (b'{"timeout_ms":Infinity}', "bad_json", None),
        (b"{'timeout_ms':1}", "bad_json", None),
        (b'{"timeout_ms":1}//', "bad_json", None),
        (b"\xef\xbb\xbf{}", "bad_json", None),
        (b'{"timeout_ms":1,"\xff":1}', "bad_json", None),
        (b'{"timeout_ms":"\\ud800"}', "bad_json", None),
        (b'{"timeout_ms":"\x00"}', "bad_json", None),
        (b"\x00", "bad_json", None),
        ("{}".encode("utf-16"), "bad_json", None),
        (b"[" * 1_000_000, "bad_json", None),
        (b'{"timeout_ms":' * 100_000, "bad_json", None),
        (b'{"timeout_ms":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_json", None),
        (b"1", "invalid_field", None),
        (b"null", "invalid_field", None),
        (b'"timeout_ms"', "invalid_field", None),
        (b"{}", "missing_field", "timeout_ms"),
        (b'{"timeout_ms":null}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":true}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":"1"}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":"\\u0000"}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1.5}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1e-9}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1e400}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1e999999999}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1e99999999999999999999}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1e-99999999999999999999}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":9223372036854775808}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":' + b"9" * 400 + b"}", "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":' + b"9" * 100_000 + b"}", "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1.0,"x":1}', "unknown_field", "x"),
        (b'{"timeout_ms":1,"TIMEOUT_MS":1}', "unknown_field", "TIMEOUT_MS"),
        (b'{"timeout_ms":1,"timeout_ms":1}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":1,"timeout_m\\u0073":2}', "invalid_field", "timeout_ms"),
        (b'{"timeout_ms":"x","timeout_ms":1}', "invalid_field", "timeout_ms"),
    ],
)
def test_what_it_should_not_be_is_refused_by_name(text: bytes, reason: str, field: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        read(text, TIMEOUT)
    assert (refused.value.status, refused.value.reason, refused.value.field) == (400, reason, field)


def test_what_stands_twice_is_found_below_the_top_too() -> None:
    item = {"op": "enter", "symbol": "A", "side": "buy", "quantity": "1", "price": "1"}
    text = json.dumps({"orders": [item]})
    assert len(read(text, msgspec.json.Decoder(Batch)).orders) == 1
    with pytest.raises(Refusal) as refused:
        read(text.replace('"price": "1"', '"price": "1", "price": "2"'), msgspec.json.Decoder(Batch))
    assert refused.value.field == "price"
    order = {name: value for name, value in item.items() if name != "op"}
    assert read(json.dumps(order), msgspec.json.Decoder(NewOrder)).price == "1"
