"""What may not pass: one question a file, each answered with a reason or 0.

- `orders`: the fields of an order against the rules of its instrument
- `triggers`: the trigger of an order that waits for one
- `links`: the orders that an order is linked to
- `pegs`: what a pegged order follows
- `limits`: an order against the limits of its account
- `phases`: what may enter in each phase
- `instruments`, `protection`, `schedules`: the fields of a definition, of price bands, of trading hours
"""
