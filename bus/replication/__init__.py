"""The shadow: the same engine once more, in a process of its own, following the log that the first one writes.

    log ─▶ following ─▶ core, publication ─┬─▶ comparison ◀── the engine's heartbeats
                                           ├─▶ checkpoints, once compared
                                           └─▶ deep_recovery ─ ─ old history ─ ─▶ walker ─▶ walks, in a process apart

    shadow          the one loop: sockets, timers, what is done when
    following       the log, applied as far as it is durable
    engine_feed     what is heard of the engine
    comparison      the hashes of both: equal, or where they part
    checkpoints     when one is due, and when it may be written
    deep_recovery   what readers ask for: rings, snapshots, and what has to be walked for
    walks           replays of old history, each kept for the page that follows
    walker          the process in which they run, seen from the shadow; `walk_protocol` is what the two say
    metrics         what it tells a monitoring system; `counters` is what it counts

It is given a core by `tools`, and knows no market. Nobody else imports from here.
"""
