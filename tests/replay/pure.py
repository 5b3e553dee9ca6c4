"""A flow through the matcher alone, without sockets: the same batches, reports and feed as a real replay has."""

from dataclasses import dataclass, field

import msgspec

from bus.protocol.commands import Command, DefineInstrument, TraderCommand
from bus.protocol.feed import Event, Level, Trade
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.reports import Report
from bus.protocol.terms import CLOCK_COMMANDS, OPERATOR
from matcher.engine import Engine
from tools.replay.batches import Batches
from tools.replay.comparison import TopComparer, TradeMatcher
from tools.replay.definition import definition_for
from tools.replay.flow import Flow
from tools.replay.scale import Scale, step_of


@dataclass
class Replayed:
    """What became of a flow."""

    commands: list[TraderCommand] = field(default_factory=list)
    sent: int = 0
    messages: int = 0
    reports: list[Report] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    trades: TradeMatcher = field(default_factory=TradeMatcher)
    tops: TopComparer = field(default_factory=TopComparer)


def bitcoin(symbol: str = "BTC-USD") -> DefineInstrument:
    """Cents and satoshis."""
    return definition_for(symbol, step_of("0.01"), step_of("0.00000001"))


def replay(flow: Flow, definition: DefineInstrument | None = None, *, paced: bool = False) -> Replayed:
    """Drive an engine of its own with the flow."""
    definition = definition or bitcoin()
    engine = Engine()
    engine.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_COMMANDS, Rules(10**6, 10**6, 10)), 1)
    engine.apply_record(SessionOpened(1, "replay", OPERATOR, 0, False), 2)
    send(engine, [definition])
    done = Replayed()
    scales = {definition.symbol: Scale.of(definition)}
    batches = Batches(flow, scales, trades=done.trades, tops=done.tops, paced=paced)
    for batch in batches:
        sequence = engine.state.sequence
        reports, events = send(engine, batch.commands)
        for event in events:
            if isinstance(event, Trade):
                done.trades.happened(event)
            elif isinstance(event, Level):
                done.tops.level(event)
        for i in range(len(batch.commands)):
            done.tops.answered(batches.sent - len(batch.commands) + i + 1, sequence + i + 1)
        done.tops.compare()
        for report in reports:
            flow.hear(report)
        done.commands += [command for command in batch.commands if isinstance(command, TraderCommand)]
        done.messages += bool(batch.commands)
        done.reports += reports
        done.events += events
    done.tops.finish()
    done.sent = batches.sent
    return done


def send(engine: Engine, commands: list[Command]) -> tuple[list[Report], list[Event]]:
    """One message; what it caused, as a reader decodes it."""
    state = engine.state
    if commands:
        engine.apply_message(1, 1, state.time_ns, commands, state.time_ns + 1)
    private, public = engine.take_outputs()
    reports = [msgspec.convert(event, Report) for _, _, events in private for event in events]
    return reports, [msgspec.convert(event, Event) for _, _, events in public for event in events]
