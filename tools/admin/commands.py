"""The verbs of the operator's desk, put together."""

import typer

from tools.admin.phase import phase

admin = typer.Typer(
    name="admin",
    help="Rule over phases and protection: the operator's desk.",
    no_args_is_help=True,
)
admin.command()(phase)
