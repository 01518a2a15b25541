"""The policy settings that staff changed."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col

from kiosk.store.gateway import Gateway
from kiosk.store.staff_records import PolicySetting
from kiosk.store.tables.base import values
from kiosk.store.tables.staff import PolicySettingRow


class PolicyChanges:
    """What staff set on top of the settings file."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def hold(self) -> None:
        """Keep other writers away from all settings, which have to fit each other."""
        self._gateway.hold(PolicySettingRow)

    def every(self) -> dict[str, PolicySetting]:
        """Return each that was ever changed, by name."""
        rows = self._gateway.many(select(PolicySettingRow), PolicySettingRow)
        return {row.name: row.record(PolicySetting) for row in rows}

    def save(self, setting: PolicySetting) -> bool:
        """Put one in place of the one with its revision (0: of none); False: there is another."""
        new = values(setting) | {"revision": setting.revision + 1}
        new = self._gateway.stamped(PolicySettingRow, new)
        insert = self._gateway.upsert(PolicySettingRow).values(new)
        statement = insert.on_conflict_do_update(
            index_elements=["name"],
            set_=new,
            where=col(PolicySettingRow.revision) == setting.revision,
        )
        return self._gateway.run(statement) == 1
