"""The composition root: the one place that sees everybody and hands each what it needs."""
