"""`matchbus fuzz`: random logs for the engine, until one of them breaks it."""

import secrets
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bus.protocol.codec import decode_client_message, encode
from bus.protocol.terms import PROTOCOL_VERSION
from matcher.codec.state_codec import state_digest
from tools import options
from tools.core_kind import core_kind
from tools.decoded import json_line, named
from tools.ending import quietly, refused
from tools.fuzz.drawing import draw_steps
from tools.fuzz.shrinking import shrink
from tools.fuzz.steps import Says, Step, read_steps, write_steps
from tools.fuzz.trial import CHECK_EVERY, Poison, Trial
from tools.showing import plain_table, show

_SEED_BITS = 32


def fuzz(
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Which log; drawn when not given.", min=0)
    ] = None,
    commands: Annotated[int, typer.Option(metavar="N", help="How many commands a log has.", min=1)] = 50_000,
    logs: Annotated[int, typer.Option(metavar="N", help="How many logs, from this seed on.", min=1)] = 1,
    keep: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the shortest log that breaks the engine is kept.")
    ] = Path("poison.log"),
    again: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Give the engine a log that was kept.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Look for poison: a command that breaks the engine, or leaves it in a state that cannot be.

    It knows no rule of the market and judges none. Everything that is not refused before the log may come: likely
    orders, unlikely ones, and numbers that nobody would send.

    \b
    Examples:
      matchbus fuzz --seed 7
      matchbus fuzz --commands 20000 --logs 50
      matchbus fuzz --again poison.log
    """
    if again is not None:
        _try(read_steps(again), {"log": str(again)}, None, as_json)
        return
    first = secrets.randbits(_SEED_BITS) if seed is None else seed
    for number in range(first, first + logs):
        _try(list(draw_steps(number, commands)), {"seed": number}, keep, as_json)


def _try(steps: list[Step], said: dict[str, Any], keep: Path | None, as_json: bool) -> None:
    """One log; status 1 when it breaks the engine."""
    trial = Trial(CHECK_EVERY if keep is not None else 1)
    began = time.monotonic()
    taken: list[Step] = []
    try:
        for step in steps:
            taken.append(step)
            trial.take(step)
        trial.check()
    except Poison as error:
        _tell_poison(str(error), taken, said, keep, as_json)
    facts = {
        **said,
        "core": core_kind(),
        "commands": trial.commands,
        "sequence": trial.engine.sequence,
        "digest": state_digest(trial.engine.state),
        "seconds": round(time.monotonic() - began, 1),
        "answers": dict(trial.answers.most_common()),
    }
    with quietly():
        if as_json:
            print(json_line(facts))
            return
        name, which = next(iter(said.items()))
        title = f"no poison: {name} {which}, {trial.commands:,} commands in {facts['seconds']} s ({facts['core']} core)"
        table = plain_table(title, (">count", "answer"))
        for answer, count in trial.answers.most_common():
            table.add_row(f"{count:,}", answer)
        show(table)


def _tell_poison(
    error: str, taken: list[Step], said: dict[str, Any], keep: Path | None, as_json: bool
) -> None:
    name, which = next(iter(said.items()))
    if keep is None:
        refused(f"poison: {name} {which}: {error}")
    shortest = shrink(taken)
    write_steps(keep, shortest)
    if as_json:
        print(json_line({**said, "poison": error, "steps": len(shortest), "kept": str(keep)}))
    else:
        for step in shortest:
            print(_step_line(step))
    refused(f"poison: {name} {which}: {error}; {len(shortest)} steps that do it are kept in {keep}")


def _step_line(step: Step) -> str:
    """A step for people: its commands by their names."""
    if not isinstance(step, Says):
        return f"{type(step).__name__} {msgspec.structs.asdict(step)}"
    payload = encode((PROTOCOL_VERSION, 1, step.correlation_id, 0, step.items))
    items = [json_line(named(item)) for item in decode_client_message(payload).items]
    return "\n  ".join(
        [f"Says {step.slot} after {step.after_ns} ns, {step.age_ns} ns old, {step.trailing}", *items]
    )
