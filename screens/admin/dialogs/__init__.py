"""Dialogs over a page: forms that act, and texts that have to be read."""
