"""Terminals: lock-down, input by an allow-list, output that never blocks."""
