"""A proxy that breaks the exchange with any HTTP server, byte by byte, and keeps a journal of what it did."""
