"""REST handlers, a file a subject; each ends with its routes, and `web.application` puts them together.

- `plain`: time, health, readiness
- `documents`: OpenAPI, and the page that is made of it
- `keys`: API keys
- `orders`: orders entered, replaced, cancelled
- `admin`: what operators do
- `past`: orders and executions as the history has them; `positions`: what they made of the account
- `market`: symbols, books, statistics; `trades`: trades in pages; `candles`: candles and indicators;
  `alerts`: alerts
"""
