"""A virtual GIDS card: the identity application that Windows brings a driver for."""
