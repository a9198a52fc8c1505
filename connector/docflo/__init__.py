"""The Docflo API: `wire.py` and `fields.py` read and build without I/O, `client.py` sends."""
