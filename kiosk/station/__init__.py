"""The acting half: a pure flow (states, events, step) and the loop that runs it."""
