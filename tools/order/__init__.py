"""Orders from the command line: `matchbus order enter`, `cancel`, `replace`, `mass-cancel`, `list`, `fills`,
`history`, `life`, `executions`.

- `commands`: the verbs; each opens a session, does one thing and logs out
- `enter`: the verb with everything that an order may ask for
- `carrying_out`: one command, its answer, and what followed from it
- `words`, `account_words`: reports and open orders for people; reports of accounts and money
- `past`: the verbs that ask the private history, `past_words`: what they show
- `times`: times in people's words
"""
