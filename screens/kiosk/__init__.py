"""The pages of the station: one module a page, and ``screen_for`` to choose between them."""
