"""The virtual card, its reader and its service."""
