"""A market that is never quiet: `matchbus demo`, and `matchbus up --demo`.

- `products`: what the demo trades
- `prices`: what each thing is worth at the moment: random walks that come back
- `traders`: market makers, takers and others: pure and seeded, reports in, commands out
- `money`: what they have, where the venue clears
- `runner`: their sessions with a real engine, over the same clients that everybody has
- `command`: the verb
"""
