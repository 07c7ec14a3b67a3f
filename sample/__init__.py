"""The sample province: a made-up operator's customers, orders and contacts, with the truth beside.

Everything here but the command is pure: numbers in, NumPy and Arrow out.
See docs/sample-province.md.
"""
