"""The settings: one TOML file, overridden by the environment, read once and passed down."""
