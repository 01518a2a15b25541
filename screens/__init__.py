"""The display: what a holder sees and touches. Textual only; it reports and never decides."""
