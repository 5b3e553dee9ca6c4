"""The tests. Run `pytest` in the repository root; `pytest -m slow` runs what takes long."""
