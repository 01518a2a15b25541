"""What staff read: the words for what the administration reports as codes with facts."""
