"""The store: tables, migrations, and a unit of work that speaks in frozen records.

Nothing heavy is imported here: take ``kiosk.store.records`` for the shapes and
``kiosk.store.database`` for the ``Store`` itself.
"""
