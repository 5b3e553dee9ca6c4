"""What a process tells a monitoring system: numbers, rendered when they are asked for and never before.

- `metric`: a definition (name, kind, help), and what is read of it
- `slices`: walks over many objects without keeping the interpreter's lock
- `powers`: counts whole numbers by size, cheap enough for a hot path
- `of_process`: what every process of the house tells; `of_engine`: what the engine tells beside
- `page`: readings to text, by the Prometheus client library
- `server`: serves that text over HTTP, from a thread of its own

Definitions are plain constants, and `docs/metrics.md` has a row for each. What other processes tell stands in their own
rooms, in the same shape.
"""
