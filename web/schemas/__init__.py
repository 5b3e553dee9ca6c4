"""What JSON says: a Struct for each body, query and answer. One name for one thing, in snake_case, everywhere.

Prices and quantities are decimal text, times milliseconds since 1970 (`time_ms`), with nanoseconds beside them on
request (`time_ns`). Bodies refuse what they do not know.

- `values`: types that many share
- `plain`: time, health, readiness, and the shape of every error
- `keys`: API keys
- `orders`: orders and executions; `positions`: what an account holds by them
- `admin`: what operators do
- `market`: books, symbols, statistics; `trades`, `candles`, `alerts`: those
- `documents`: OpenAPI and its page, AsyncAPI; `conditions`, `examples`: what it says of bodies beside their types
- `stream`: what travels over a WebSocket
"""
