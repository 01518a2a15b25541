"""The store: tables, migrations, and a unit of work that speaks in frozen records.

Nothing heavy is imported here: take ``kiosk.authority.store.records`` for the shapes and
``kiosk.authority.store.database`` for the ``Store`` itself.
"""
