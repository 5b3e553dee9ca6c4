"""The rules of the market and the scenarios that show them, for whoever wants to read them.

- `rulebook`: the rules, out of the page `docs/rules.md`
- `stories`: the scenarios, as texts with the rules they name
- `places`: where page and scenarios are, in the repository or in an installed package
- `command`: `matchbus rules`
"""
