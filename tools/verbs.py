"""Verbs that are imported when they are asked for: `matchbus order` need not wait for all that an engine is made of.

`--help` of the whole command line imports them all, to show what each of them says about itself.
"""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

#: Where each verb lives: a function, or a Typer with verbs of its own, in the order of `--help`.
VERBS: Final = {
    "up": "tools.up.command:up",
    "engine": "tools.engine:engine",
    "shadow": "tools.shadow:shadow",
    "publisher": "tools.publisher.commands:publisher",
    "history": "tools.history:history",
    "web": "tools.web:web",
    "keys": "tools.keys:keys",
    "status": "tools.status.command:status",
    "risk": "tools.risk.command:risk",
    "usage": "tools.usage.command:usage",
    "demo": "tools.demo.command:demo",
    "tap": "tools.tap.command:tap",
    "instrument": "tools.instrument:instrument",
    "limits": "tools.limits:limits",
    "account": "tools.account:account",
    "admin": "tools.admin.commands:admin",
    "order": "tools.order.commands:order",
    "journal": "tools.journal.commands:journal",
    "report": "tools.report.command:report",
    "replay": "tools.replay.command:replay",
    "bench": "tools.bench.commands:bench",
    "rules": "tools.rules.command:rules",
    "fuzz": "tools.fuzz.command:fuzz",
    "version": "tools.version:version",
}


class Verbs(TyperGroup):
    """The group of all verbs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return [*VERBS, *(name for name in super().list_commands(ctx) if name not in VERBS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A verb by its name, imported now; None when there is none of this name."""
        if cmd_name not in self.commands and cmd_name in VERBS:
            module, _, name = VERBS[cmd_name].partition(":")
            self.commands[cmd_name] = _made(cmd_name, getattr(import_module(module), name))
        return super().get_command(ctx, cmd_name)


def _made(name: str, verb: Any) -> Any:
    """What typer makes of a function or of a Typer."""
    if isinstance(verb, typer.Typer):
        group = get_group(verb)
        group.name = name
        _let_flow(group)
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name)(verb)
    command = get_command(alone)
    _let_flow(command)
    return command


def _let_flow(command: Any) -> None:
    """A verb's help, and that of all below it."""
    command.help = _flowing(command.help)
    for below in getattr(command, "commands", {}).values():
        _let_flow(below)


def _flowing(text: str | None) -> str:
    """A docstring whose paragraphs are as wide as the terminal, not as the source; what begins with a \\b stays."""
    paragraphs = (text or "").split("\n\n")
    return "\n\n".join(part if part.startswith("\b") else part.replace("\n", " ") for part in paragraphs)
