"""Databases: SQLite in the data directory by default, PostgreSQL by address; the same for all who keep something.

- `opening`: finds or makes one, and proves that it is of the right kind and version
- `schema`: what one is to be
- `failures`: which exception of a driver is which error of `bus/errors.py`
"""
