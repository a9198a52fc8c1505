"""Trying a mapping that is not saved: in a process of its own, which has no secrets and is ended in time."""
