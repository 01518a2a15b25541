"""The display: Textual only; it reports what the holder does and never decides."""
