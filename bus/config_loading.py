"""How the settings are read: one TOML file, the environment and the command line, put together and checked.

The nearest source wins: command line, then environment (`MATCHBUS_<SECTION>_<KEY>`), then file, then the default
of `bus.config`. Whatever cannot be used is refused before anything starts, in one line that names the source,
the key and the value; a key that does not exist is refused too, with the nearest one that does.

Called once by the command line's verbs. It reads the file it is given and nothing else: the environment is an argument.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Struct

from bus.config import Config, Web
from bus.errors import ConfigError

ENVIRONMENT_PREFIX: Final = "MATCHBUS_"

# Variables with our prefix that are no settings: read by the build backend, before there is a matchbus.
NOT_SETTINGS: Final = frozenset({"MATCHBUS_PURE"})

# Settings of the web that name networks of IP.
_NETWORKS: Final = ("never_blocked", "metrics_networks", "trusted_proxies")
# Of a page, as browsers write it: in small letters, with nothing behind it but a port.
_ORIGIN: Final = re.compile(r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?")


class Setting(Struct, frozen=True):
    """One key of the configuration, as the loader, the documentation's test and the command line see it."""

    section: str
    name: str
    type: Any
    default: Any

    @property
    def key(self) -> str:
        """The key as it is spoken of: `section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{ENVIRONMENT_PREFIX}{self.section}_{self.name}".upper()


def settings() -> Iterator[Setting]:
    """Every setting there is, in the order of `bus.config`."""
    for section in msgspec.structs.fields(Config):
        for field in msgspec.structs.fields(section.type):
            yield Setting(section.name, field.name, field.type, field.default)


def load_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    command_line: Mapping[str, Any] | None = None,
) -> Config:
    """Put the settings together; raises ConfigError for the first one that cannot be used.

    `command_line` maps keys (`engine.port_base`) to values; a value of None was not given.
    """
    known = {setting.key: setting for setting in settings()}
    # Per key the value and the name of its source, farthest source first so that the nearest stays.
    given: dict[str, tuple[Any, str]] = {}
    if file is not None:
        for key, value in _keys_of_file(file):
            setting = known.get(key) or _refuse_unknown(str(file), key, known)
            given[key] = (_converted(setting, value, str(file), strict=True), str(file))
    variables = {setting.variable: setting for setting in known.values()}
    for variable, text in (environment or {}).items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in NOT_SETTINGS:
            continue
        setting = variables.get(variable) or _refuse_unknown("environment", variable, variables)
        given[setting.key] = (_converted(setting, text, variable, strict=False), variable)
    for key, value in (command_line or {}).items():
        if value is None:
            continue
        setting = known.get(key) or _refuse_unknown("command line", key, known)
        given[key] = (_converted(setting, value, "command line", strict=True), "command line")
    config = _assembled({key: value for key, (value, _) in given.items()})
    _check_together(config, {key: source for key, (_, source) in given.items()})
    return config


def _keys_of_file(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ConfigError(f"{file}: cannot be read: {failure.strerror}") from failure
    except UnicodeDecodeError as failure:
        raise ConfigError(f"{file}: not UTF-8") from failure
    except tomllib.TOMLDecodeError as failure:
        raise ConfigError(f"{file}: not TOML: {failure}") from failure
    sections = [field.name for field in msgspec.structs.fields(Config)]
    for section, table in document.items():
        if section not in sections:
            near = sections if isinstance(table, dict) else [setting.key for setting in settings()]
            _refuse_unknown(str(file), section, near)
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: {section} = {table!r}: expected a section [{section}]")
        for name, value in table.items():
            yield f"{section}.{name}", value


def _converted(setting: Setting, value: Any, source: str, *, strict: bool) -> Any:
    """The value in the setting's own type; an environment variable is a text and so read less strictly."""
    try:
        return msgspec.convert(value, setting.type, strict=strict)
    except msgspec.ValidationError as failure:
        expected = str(failure)
        if expected.startswith("Invalid enum value"):
            expected = "Expected " + " or ".join(map(repr, setting.type.__args__))
        raise ConfigError(_refusal(source, setting.key, value, expected)) from failure


def _assembled(values: Mapping[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {field.name: {} for field in msgspec.structs.fields(Config)}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections[section][name] = value
    return msgspec.convert(sections, Config)


def _check_together(config: Config, sources: Mapping[str, str]) -> None:
    """What the type of one setting cannot say."""

    def refuse(key: str, value: Any, expected: str) -> NoReturn:
        raise ConfigError(_refusal(sources.get(key, "default"), key, value, expected))

    host, limits = config.engine.host, config.limits
    try:
        loopback = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        refuse("engine.host", host, "Expected a numeric IPv4 address such as 127.0.0.1")
    if not loopback:
        refuse(
            "engine.host",
            host,
            "Only loopback (127.0.0.0/8) can be bound: connections are neither encrypted nor authenticated yet",
        )
    scheme = config.store.url.partition(":")[0]
    if config.store.url and scheme not in ("sqlite", "postgresql"):
        # Not the whole of it: there may be a password inside.
        refuse("store.url", scheme, "Expected sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    _check_web(config.web, refuse)
    if limits.cancel_reserve_commands >= limits.unsynced_commands_max:
        refuse(
            "limits.cancel_reserve_commands",
            limits.cancel_reserve_commands,
            f"Expected less than limits.unsynced_commands_max = {limits.unsynced_commands_max}",
        )
    room = limits.unsynced_commands_max - limits.cancel_reserve_commands
    if limits.commands_per_message_max > room:
        refuse(
            "limits.commands_per_message_max",
            limits.commands_per_message_max,
            f"Expected at most {room}, the part of limits.unsynced_commands_max that is not reserved:"
            " a larger message could never be taken",
        )


def _check_web(web: Web, refuse: Callable[[str, Any, str], NoReturn]) -> None:
    for name in _NETWORKS:
        for network in filter(None, map(str.strip, getattr(web, name).split(","))):
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                refuse(f"web.{name}", network, f"Expected networks such as 127.0.0.1,10.1.0.0/16: {error}")
    for origin in filter(None, web.allowed_origins.split(",")):
        if _ORIGIN.fullmatch(origin.strip()) is None:
            refuse(
                "web.allowed_origins",
                origin,
                "Expected origins as browsers write them, each in full, such as https://example.com",
            )
    if bool(web.certificate_file) != bool(web.private_key_file):
        present, missing = ("certificate_file", "private_key_file")[:: 1 if web.certificate_file else -1]
        refuse(f"web.{missing}", "", f"Expected a file, since web.{present} is given")
    try:
        loopback = ipaddress.IPv4Address(web.host or "127.0.0.1").is_loopback
    except ValueError:
        refuse("web.host", web.host, "Expected a numeric IPv4 address such as 127.0.0.1")
    if not loopback and not web.certificate_file and not web.unencrypted_beyond_loopback:
        refuse(
            "web.host",
            web.host,
            "Beyond loopback only with TLS: set web.certificate_file and web.private_key_file, or"
            " web.unencrypted_beyond_loopback where a proxy ends TLS",
        )


def _refuse_unknown(source: str, name: str, known: Iterable[str]) -> NoReturn:
    nearest = max(known, key=lambda other: difflib.SequenceMatcher(None, name, other).ratio())
    raise ConfigError(f"{source}: {name}: there is no such setting; the nearest is {nearest}")


def _refusal(source: str, key: str, value: Any, expected: str) -> str:
    return f"{source}: {key} = {value!r}: {expected}"
