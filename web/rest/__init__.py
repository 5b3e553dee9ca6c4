"""REST handlers, a file a subject; each ends with its routes, and `web.application` puts them together.

- `plain`: time, health, readiness
- `market`: market data
"""
