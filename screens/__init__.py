"""The glass: what a holder sees and touches. Textual only; it reports and never decides."""
