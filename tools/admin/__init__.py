"""`matchbus admin ...`: the operator's desk on the command line. Each word is a command in the log, with who and why.

- `commands`: the verbs, put together
- `phase`: what an instrument's market does from now on
- `protection`: within which price bands an instrument trades
- `schedule`: which phase begins when, day by day
- `breakers`: how far the market may fall before all of it is halted
- `emergency`: the whole market stands still, or goes on
- `kill_switch`: an account is stopped, or goes on; what it may do at most is in `tools.limits`
- `risk`: what an account may have at stake
- `fees`, `fee_terms`: what trading costs, and how that is written
- `group`, `group_risk`: accounts are put into groups, limited and stopped together
- `shares`: how an operator writes shares

Each verb is one small file, and does its work through `tools.operating`.
"""
