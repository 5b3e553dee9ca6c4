"""The verbs of the operator's desk, put together."""

import typer

from tools.admin.breakers import breakers
from tools.admin.emergency import emergency
from tools.admin.fees import fees
from tools.admin.group import group
from tools.admin.group_risk import group_kill_switch, group_risk
from tools.admin.kill_switch import kill_switch
from tools.admin.phase import phase
from tools.admin.protection import protection
from tools.admin.risk import risk
from tools.admin.schedule import schedule
from tools.limits import limits

admin = typer.Typer(
    name="admin",
    help="Rule over phases and protection: the operator's desk.",
    no_args_is_help=True,
)
admin.command()(phase)
admin.command()(protection)
admin.command()(schedule)
admin.command()(breakers)
admin.command()(emergency)
admin.command("kill-switch")(kill_switch)
admin.command()(limits)
admin.command()(risk)
group.command("risk")(group_risk)
group.command("kill-switch")(group_kill_switch)
admin.add_typer(group)
admin.add_typer(fees)
