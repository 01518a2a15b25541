"""Cards that only speak through their maker's PKCS#11 module.

The module lives in a process of its own (``kiosk.contract.module_process``), for one call on the
card.
``cards`` is the station's side, ``tokens`` the module's.
"""
