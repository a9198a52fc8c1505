"""The console's pages: one module each, and one line each in `registry.py`."""
