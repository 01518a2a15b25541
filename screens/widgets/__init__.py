"""One widget for each thing that recurs on the display."""
