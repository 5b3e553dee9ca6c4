"""What is remembered: the log, which is the truth (I1), and the checkpoints beside it.

    journal      the log of one engine: opened, replayed, then written; start here
    recovery     which checkpoint to start from, with the batches behind it
    writer       appends batches and says which of them are durable (I3); `syncer` is its one thread
    reader       reads the log and verifies every byte of it; `tail` tells a torn tail from damage
    follower     reads it beside the engine that writes it, only what is new; `chain` is what both verify
    batch        the frame of one batch; `segment` the files they stand in; `synced` the small side file
    checkpoint   the files of checkpoints, and the choice among them
    skips        commands that the operator decided to pass over
    directory    the data directory: held by one engine, with its token
    disk         the only file that talks to the operating system about the log

Imports inside point up this list's right to left: disk and batch know nobody, journal and recovery know all.
"""
