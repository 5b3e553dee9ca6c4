"""The options that verbs share, each said once: its name, its help, its environment variable.

Two families. What an engine is started with is a setting (`bus.config`): not given means that the file or the
environment decides. How a running exchange is found is the same for every verb that talks to one.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from bus.addresses import HIGHEST_OFFSET
from bus.config import Config
from bus.config import Engine as EngineSettings
from bus.config_loading import load_config
from bus.errors import ConfigError
from bus.journal.directory import read_token

_DEFAULTS: Final = EngineSettings()
DEFAULT_CONNECT: Final = _DEFAULTS.host
DEFAULT_PORT_BASE: Final = _DEFAULTS.port_base
DEFAULT_DATA: Final = _DEFAULTS.data_dir
DEFAULT_ACCOUNT: Final = "demo"

# What an engine is started with.

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings from this TOML file.")
]
EngineData = Annotated[
    str | None,
    typer.Option("--data", metavar="DIR", help=f"Where the journal is. Default: {DEFAULT_DATA}."),
]
EnginePortBase = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help=f"All addresses are this plus a fixed offset; 0: any free ports. Default: {DEFAULT_PORT_BASE}.",
    ),
]
EngineHost = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help=f"The loopback address to listen at. Default: {DEFAULT_CONNECT}."),
]
EngineSync = Annotated[
    Literal["disk", "os"] | None,
    typer.Option(help="What an acknowledged order survives: loss of power, or a crash. Default: disk."),
]
EngineClock = Annotated[
    Literal["system", "commands"] | None,
    typer.Option(help="What moves engine time; with commands, only AdvanceClock does. Default: system."),
]
EngineClearing = Annotated[
    Literal["none", "spot"] | None,
    typer.Option(help="Whether orders are backed by money, which fills move. Default: as it was; new: none."),
]

# How a running exchange is found.

PortBase = Annotated[
    int,
    typer.Option(
        metavar="N",
        envvar="MATCHBUS_ENGINE_PORT_BASE",
        help="The exchange's port base.",
        min=1,
        max=65_535 - HIGHEST_OFFSET,
    ),
]
Connect = Annotated[
    str, typer.Option(metavar="HOST", envvar="MATCHBUS_ENGINE_HOST", help="The exchange's address.")
]
#: Longer than anybody waits, and a number of nanoseconds still.
WAIT_S_MAX: Final = 10**9
Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", help="How long to wait for the exchange to answer.", min=0.01, max=WAIT_S_MAX
    ),
]
DEFAULT_TIMEOUT: Final = 5.0

# Who asks.

Account = Annotated[str, typer.Option(metavar="NAME", help="The account whose orders these are.")]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="MATCHBUS_ENGINE_DATA_DIR",
        help="The exchange's data directory, for the operator's token.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file with the operator's token, in the place of --data."),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="NAME", help="The operator's name, under which it is logged; your login name."
    ),
]
Why = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the log.")]
#: How long an auction that follows lasts longer; not given, not at all.
RandomEnd = Annotated[
    str | None,
    typer.Option("--random", metavar="DURATION", help="The auctions end by chance up to so much later."),
]


class Switch(StrEnum):
    """On stops."""

    ON = "on"
    OFF = "off"


# How it is shown.

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, with the protocol's names.")]


def engine_config(
    config: Path | None,
    environment: Mapping[str, str],
    *,
    data: str | None,
    port_base: int | None,
    host: str | None,
    sync: str | None,
    clock: str | None,
    clearing: str | None = None,
    further: Mapping[str, str | int | None] | None = None,
) -> Config:
    """The settings of an engine from its options, the environment and a file. Raises ConfigError.

    `further`: more keys with their values, as `bus.config.load_config` takes them from the command line.
    """
    return load_config(
        config,
        environment,
        {
            "engine.data_dir": data,
            "engine.port_base": port_base,
            "engine.host": host,
            "engine.sync": sync,
            "engine.clock": clock,
            "engine.clearing": clearing,
            **(further or {}),
        },
    )


def words(given: Mapping[str, object]) -> list[str]:
    """The words of the command line for what was given, for a process that is started with the same."""
    return [word for name, value in given.items() if value is not None for word in (name, str(value))]


def operator_token(data: str, token_file: Path | None) -> str:
    """The token that operators show. ConfigError says where it was looked for."""
    try:
        if token_file is not None:
            return token_file.read_text(encoding="ascii").strip()
        return read_token(data)
    except FileNotFoundError:
        where = f"{token_file}: there is no such file" if token_file else f"{data}: no engine has run there"
        raise ConfigError(f"{where}, so there is no token; name the engine's directory with --data") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the token cannot be read: {error}") from None
