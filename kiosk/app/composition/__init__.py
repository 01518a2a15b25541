"""The composition root: the one place that imports every part and connects them."""
