"""Transcripts of cards, replayed against the drivers: a make is added by adding its file."""
