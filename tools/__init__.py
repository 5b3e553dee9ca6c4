"""The roof: the command line `matchbus`, and the building of the package itself.

One file a verb, put together on one screen in `__main__`. `build/` makes the wheel, `core_kind` says which
core was installed, `instances` looks after several processes of `web`. The tools may import every room; no room
imports them.
"""
