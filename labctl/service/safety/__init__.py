"""Guard shutters and lasers in a process of its own; standard library only.

Nothing here imports the rest of labctl, so that no library and no driver can keep it from
closing a shutter. Layers, protocol and failure table: `docs/safety.md`.
"""
