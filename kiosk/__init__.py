"""The rules of Unlock Kiosk: no screen and no reader is known here."""
