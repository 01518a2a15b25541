"""A trial of a test card, on the cards in software that the suite has."""
