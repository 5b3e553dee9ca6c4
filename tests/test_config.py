"""The settings of `bus/config.py`: who wins, what is refused and in which words, and that the docs tell all of it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.addresses import Addresses, addresses
from bus.config import Config, Engine, Feed, Limits
from bus.config_loading import load_config, settings
from bus.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    """A file of settings with this text."""
    file = folder / "matchbus.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(**sources: Any) -> str:
    """The one line with which these sources are refused."""
    with pytest.raises(ConfigError) as caught:
        load_config(**sources)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_without_any_source_the_defaults_stand() -> None:
    assert load_config() == Config(engine=Engine(), limits=Limits(), feed=Feed())


def test_a_file_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    file = written(tmp_path, '[engine]\nsync = "os"\n[limits]\nsessions_max = 7\n[feed]\n')
    assert load_config(file) == Config(engine=Engine(sync="os"), limits=Limits(sessions_max=7))


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "")) == Config()


def test_the_nearest_source_wins(tmp_path: Path) -> None:
    file = written(tmp_path, "[engine]\nport_base = 4000\ncheckpoints_kept = 5\nsegment_bytes = 1000000\n")
    environment = {"MATCHBUS_ENGINE_PORT_BASE": "5000", "MATCHBUS_ENGINE_CHECKPOINTS_KEPT": "6"}
    config = load_config(file, environment, {"engine.port_base": 6000})
    assert config.engine == Engine(port_base=6000, checkpoints_kept=6, segment_bytes=1_000_000)


def test_what_the_command_line_did_not_say_is_left_to_the_others() -> None:
    config = load_config(environment={"MATCHBUS_ENGINE_SYNC": "os"}, command_line={"engine.sync": None})
    assert config.engine.sync == "os"


def test_a_text_that_looks_like_a_number_stays_a_text_where_a_text_is_wanted() -> None:
    assert load_config(environment={"MATCHBUS_ENGINE_DATA_DIR": "2026"}).engine.data_dir == "2026"


def test_every_setting_can_be_given_in_the_environment() -> None:
    for setting in settings():
        config = load_config(environment={setting.variable: str(setting.default)})
        assert config == Config(), setting.key


def test_other_variables_and_the_one_of_the_build_are_left_alone() -> None:
    assert load_config(environment={"HOME": "/", "MATCHBUS_PURE": "1"}) == Config()


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    config = load_config()
    with pytest.raises(AttributeError):
        config.engine.port_base = 1  # type: ignore[misc]  # this is what must fail


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[engine]\nprot_base = 1",
            "engine.prot_base: there is no such setting; the nearest is engine.port_base",
        ),
        ("[limit]\nx = 1", "limit: there is no such setting; the nearest is limits"),
        ("port_base = 1", "port_base: there is no such setting; the nearest is engine.port_base"),
        ("engine = 1", "engine = 1: expected a section [engine]"),
        ("[engine]\nport_base = '1'", "engine.port_base = '1': Expected `int`, got `str`"),
        ("[engine]\nport_base = true", "engine.port_base = True: Expected `int`, got `bool`"),
        ("[engine]\nport_base = 1.5", "engine.port_base = 1.5: Expected `int`, got `float`"),
        ("[engine]\nport_base = -1", "engine.port_base = -1: Expected `int` >= 0"),
        ("[engine]\nport_base = 65500", "engine.port_base = 65500: Expected `int` <= 65459"),
        ("[engine]\ndata_dir = ''", "engine.data_dir = '': Expected `str` of length >= 1"),
        ("[engine]\nsync = 'never'", "engine.sync = 'never': Expected 'disk' or 'os'"),
        ("[engine]\ncheckpoints_kept = 1", "engine.checkpoints_kept = 1: Expected `int` >= 2"),
        ("[limits]\nsessions_max = 0", "limits.sessions_max = 0: Expected `int` >= 1"),
        (
            "[engine]\nhost = 'localhost'",
            "engine.host = 'localhost': Expected a numeric IPv4 address such as 127.0.0.1",
        ),
    ],
)
def test_what_a_file_cannot_say_is_refused_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    file = written(tmp_path, text)
    assert refusal(file=file) == f"{file}: {line}"


def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path: Path) -> None:
    file = written(tmp_path, "[engine")
    assert refusal(file=file).startswith(f"{file}: not TOML: ")


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "matchbus.toml"
    file.write_bytes(b"\xff")
    assert refusal(file=file) == f"{file}: not UTF-8"


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "absent.toml"
    assert refusal(file=file) == f"{file}: cannot be read: No such file or directory"


def test_a_variable_that_does_not_exist_is_refused() -> None:
    assert refusal(environment={"MATCHBUS_ENGINE_SYNK": "os"}) == (
        "environment: MATCHBUS_ENGINE_SYNK: there is no such setting; the nearest is MATCHBUS_ENGINE_SYNC"
    )


def test_a_variable_that_cannot_be_used_is_refused_by_its_name() -> None:
    assert refusal(environment={"MATCHBUS_ENGINE_PORT_BASE": "many"}) == (
        "MATCHBUS_ENGINE_PORT_BASE: engine.port_base = 'many': Expected `int`, got `str`"
    )


def test_a_bad_value_is_refused_even_where_a_nearer_source_would_win(tmp_path: Path) -> None:
    file = written(tmp_path, "[engine]\nport_base = 'x'")
    assert refusal(file=file, command_line={"engine.port_base": 1}).startswith(f"{file}: engine.port_base")


def test_the_command_line_is_refused_as_such() -> None:
    assert refusal(command_line={"engine.port_base": 70_000}) == (
        "command line: engine.port_base = 70000: Expected `int` <= 65459"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "126.255.255.255"])
def test_only_loopback_is_bound(host: str) -> None:
    assert refusal(environment={"MATCHBUS_ENGINE_HOST": host}) == (
        f"MATCHBUS_ENGINE_HOST: engine.host = {host!r}: Only loopback (127.0.0.0/8) can be bound:"
        " connections are neither encrypted nor authenticated yet"
    )


def test_all_of_loopback_may_be_bound() -> None:
    assert load_config(environment={"MATCHBUS_ENGINE_HOST": "127.8.9.10"}).engine.host == "127.8.9.10"


def test_only_two_kinds_of_database_are_known_and_a_password_is_not_repeated() -> None:
    assert refusal(environment={"MATCHBUS_STORE_URL": "mysql://me:secret@host/market"}) == (
        "MATCHBUS_STORE_URL: store.url = 'mysql': Expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    )
    for url in ("", "sqlite:///market.db", "postgresql://me@host/market"):
        assert load_config(command_line={"store.url": url}).store.url == url


def test_the_reserve_for_cancels_is_smaller_than_the_queue_it_is_part_of() -> None:
    assert refusal(command_line={"limits.cancel_reserve_commands": 65_536}) == (
        "command line: limits.cancel_reserve_commands = 65536: Expected less than"
        " limits.unsynced_commands_max = 65536"
    )


def test_a_message_that_could_never_be_taken_is_not_allowed() -> None:
    assert refusal(command_line={"limits.cancel_reserve_commands": 65_000}) == (
        "default: limits.commands_per_message_max = 1024: Expected at most 536, the part of"
        " limits.unsynced_commands_max that is not reserved: a larger message could never be taken"
    )
    load_config(command_line={"limits.cancel_reserve_commands": 65_536 - 1024})


def test_addresses_shift_together() -> None:
    assert addresses(4000, "127.0.0.1") == Addresses(
        orders="tcp://127.0.0.1:4001",
        feed="tcp://127.0.0.1:4002",
        recovery="tcp://127.0.0.1:4003",
        drop_copy="tcp://127.0.0.1:4004",
        deep_recovery="tcp://127.0.0.1:4005",
        market_data="tcp://127.0.0.1:4011",
        market_requests="tcp://127.0.0.1:4012",
        history="tcp://127.0.0.1:4013",
        exposures="tcp://127.0.0.1:4014",
        web=("127.0.0.1", 4030),
        metrics_engine=("127.0.0.1", 4041),
        metrics_publisher=("127.0.0.1", 4042),
        metrics_shadow=("127.0.0.1", 4043),
        metrics_history=("127.0.0.1", 4044),
        metrics_web=("127.0.0.1", 4045),
    )


def test_base_0_takes_any_free_port() -> None:
    assert set(msgspec.structs.astuple(addresses(0, "127.0.0.1"))) == {"tcp://127.0.0.1:*", ("127.0.0.1", 0)}
