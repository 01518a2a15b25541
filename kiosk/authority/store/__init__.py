"""The store: tables, migrations, and a unit of work that returns frozen records.

This imports nothing large: take ``kiosk.authority.records`` for the records and
``kiosk.authority.store.database`` for the ``Store`` itself.
"""
