"""What the documentation owes: functions from a command line or from settings to the list of what it does not tell.

Like `tests/support/house.py`, they can be pointed at something with a planted omission.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from typer.main import get_command

from bus.config_loading import Setting


def verbs(app: typer.Typer) -> dict[str, Any]:
    """Each command by its whole name (`journal verify`), as typer puts it together."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "list_commands"):
            yield name, command
            return
        for part in command.list_commands(None):
            yield from walk(f"{name} {part}".strip(), command.get_command(None, part))

    return dict(walk("", get_command(app)))


def verbs_without_help(app: typer.Typer) -> list[str]:
    """Verbs, and their options and arguments, that `--help` says nothing about."""
    return [
        *(f"matchbus {name} has no help" for name, command in verbs(app).items() if not command.help),
        *(
            f"matchbus {name}: {parameter.name} has no help"
            for name, command in verbs(app).items()
            for parameter in command.params
            if not parameter.help
        ),
    ]


def verbs_not_in_docs(app: typer.Typer, *pages: str) -> list[str]:
    """Verbs whose full name stands on none of the pages as `matchbus VERB`."""
    return [
        f"matchbus {name} is not documented"
        for name in verbs(app)
        if not any(re.search(rf"matchbus {name}\b", page) for page in pages)
    ]


def options_not_in_docs(app: typer.Typer, page: str) -> list[str]:
    """Options that the section of their verb does not name, options it names that do not exist, verbs without example.

    A section begins with a heading that has `matchbus VERB` in it, for one verb or several.
    """
    sections = [(part.partition("\n")[0], part) for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]]
    found: list[str] = []
    for name, command in verbs(app).items():
        section = next((part for heading, part in sections if f"`matchbus {name}`" in heading), "")
        text, examples = (
            re.sub(r"```.*?```", "", section, flags=re.DOTALL),
            re.findall(r"^\$ .*", section, re.M),
        )
        named = set(re.findall(r"`(--[a-z-]+)", text))
        known = {word for parameter in command.params for word in parameter.opts if word.startswith("--")}
        beside = {
            word
            for other, inner in verbs(app).items()
            if section and f"`matchbus {other}`" in section.partition("\n")[0]
            for parameter in inner.params
            for word in parameter.opts
        }
        found += [f"matchbus {name}: {word} is not documented" for word in sorted(known - named)]
        found += [f"matchbus {name}: {word} is no option" for word in sorted(named - known - beside)]
        if not any(re.search(rf"matchbus {name.split()[0]}\b", line) for line in examples):
            found.append(f"matchbus {name} has no example")
    return found


def settings_not_in_docs(settings: Iterable[Setting], page: str) -> list[str]:
    """Settings without a row that has their key, default and variable, and rows of settings that do not exist."""
    rows = {
        cells[0].strip("`"): cells
        for line in page.splitlines()
        if line.startswith("| `")
        and len(cells := [cell.strip() for cell in line.strip("| ").split(" | ")]) == 5
    }
    known = {setting.key: setting for setting in settings}
    wanted = {
        key: (f"`{json.dumps(setting.default)}`", f"`{setting.variable}`") for key, setting in known.items()
    }
    return [
        *(f"{key} has no row" for key in known if key not in rows),
        *(f"{key} is no setting" for key in rows if key not in known),
        *(
            f"{key}: the row says {rows[key][2]} and {rows[key][3]}, the code {default} and {variable}"
            for key, (default, variable) in wanted.items()
            if key in rows and (rows[key][2], rows[key][3]) != (default, variable)
        ),
    ]


def requirements_without_pin(requirements: Iterable[str], constraints: str) -> list[str]:
    """Direct requirements for which the constraints name no exact version."""
    pinned = {line.split("==")[0].lower() for line in constraints.splitlines() if "==" in line}
    names = (re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in requirements)
    return [f"{name} is not pinned" for name in names if name not in pinned]
