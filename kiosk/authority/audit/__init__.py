"""The audit: its events, and how its rows are named, anchored, purged and collected."""
