"""Dialogs over a page: forms that act, and what has to be read."""
