"""Measurements beside known tools; README.md says how to read them."""
