"""The station process: a pure flow (states, events, step), its loop, and the work on the card."""
