"""Text messages to holders: which numbers can take one, and who sends it."""
