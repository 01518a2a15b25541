"""The RA application: pages, dialogs and their words."""
