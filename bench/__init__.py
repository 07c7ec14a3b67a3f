"""Measured promises: `python -m bench`, see docs/benchmarks.md."""
