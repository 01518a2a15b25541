"""Cards that can only be used through their maker's PKCS#11 module.

Each call on a card loads the module in a separate process (``kiosk.system.module_process``).
``cards`` runs in the station, ``tokens`` in that process.
"""
