"""Pools of replicas: one call, retry, pricing; and the tape, which answers without a server."""
