"""`matchbus keys ...`: API keys, with which accounts use the web. The operator's, who can read the data directory.

Running instances of the web know a new key at once, and refuse a revoked one within a second.
"""

import json
import os
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bus.errors import ConfigError
from tools import options
from tools.ending import refused
from tools.order.times import time_of
from tools.showing import counted, plain_table, show
from web.guard.keys import Key, wish
from web.guard.principal import READ, TRADE
from web.guard.store import KeyStore

keys = typer.Typer(help="Makes, lists and revokes API keys.", no_args_is_help=True, add_completion=False)


@keys.command()
def create(
    account: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What it is for: read, trade, withdraw or operator; may be given again. Default: read and trade.",
        ),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CIDR", help="From where it may be used; may be given again. Default: everywhere."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Until when: 30d from now, or 2026-12-31T17:00. Default: for ever."
        ),
    ] = None,
    label: Annotated[str, typer.Option(metavar="TEXT", help="What it is called in lists.")] = "",
    public_key: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="An Ed25519 public key: its owner signs with the private one."),
    ] = None,
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a key for an account. Its secret is shown this once; nobody can read it again.

    \b
    Examples:
      matchbus keys create alice
      matchbus keys create alice --scope read --address 10.1.0.0/16 --expires 30d
    """
    wanted = wish(account, scope or [READ, TRADE], address or [], _expires_ms(expires), label, public_key)
    with closing(_store(config, data)) as store:
        key, secret = store.create(wanted)
    if as_json:
        print(json.dumps({**_named(key), "secret": secret}))
        return
    print(f"key     {key.key_id}")
    if secret is not None:
        print(f"secret  {secret}")


@keys.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option(metavar="NAME", help="Only keys of this account.")] = None,
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    as_json: options.AsJson = False,
) -> None:
    """Show all keys that were made, without their secrets: the oldest first.

    \b
    Examples:
      matchbus keys list
      matchbus keys list --account alice --json
    """
    with closing(_store(config, data)) as store:
        found = store.of_account(account)
    if as_json:
        for key in found:
            print(json.dumps(_named(key)))
        return
    table = plain_table(
        counted(len(found), "key"),
        ("key", "account", "scopes", "kind", "from", "expires", "revoked", "label"),
    )
    for key in found:
        where = " ".join(map(str, key.networks)) or "everywhere"
        ends = (_time(key.expires_ms), _time(key.revoked_ms))
        table.add_row(
            key.key_id, key.account, " ".join(sorted(key.scopes)), key.kind, where, *ends, key.label
        )
    show(table)


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key, as it is listed.", show_default=False)],
    config: options.ConfigFile = None,
    data: options.EngineData = None,
) -> None:
    """Revoke a key, for good: within a second no instance of the web takes it.

    \b
    Examples:
      matchbus keys revoke 0b3c4e7d9f1a2b3c4d5e6f708192a3b4
    """
    with closing(_store(config, data)) as store:
        revoked = store.revoke(key)
    if revoked is None:
        refused(f"{key}: there is no such key")
    print(f"{revoked.key_id} of {revoked.account} is revoked")


def _store(config: options.ConfigFile, data: str | None) -> KeyStore:
    settings = options.engine_config(
        config, os.environ, data=data, port_base=None, host=None, sync=None, clock=None
    )
    # Whoever may read the token may make keys; and where no engine has run, none are made.
    options.operator_token(settings.engine.data_dir, None)
    return KeyStore(settings)


def _expires_ms(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return time_of(text) // 1_000_000
    except ValueError as error:
        raise ConfigError(f"--expires: {error}") from None


def _named(key: Key) -> dict[str, Any]:
    return {
        "account": key.account,
        "key": key.key_id,
        "scopes": sorted(key.scopes),
        "kind": key.kind,
        "addresses": [str(network) for network in key.networks],
        "label": key.label,
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms or None,
        "revoked_ms": key.revoked_ms or None,
    }


def _time(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}" if time_ms else "-"
