"""Every sentence of the station, chosen once: a translation replaces this package alone."""
