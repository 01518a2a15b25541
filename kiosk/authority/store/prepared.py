"""Statements that are built and compiled once, and carried out on the driver's own connection.

SQLAlchemy makes the text and knows the types. That it looks a statement up, and sets up a result,
at each execution takes more of the processor than the driver does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Executable

from kiosk.contract.errors import StoreError

Values = Mapping[str, Any]
Processor = Callable[[Any], Any]


class Compiled:
    """A statement as the driver takes it, and what turns values into its own and back."""

    def __init__(self, statement: Any, columns: Sequence[str], dialect: Dialect) -> None:
        made = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self.text = str(made)
        if "POSTCOMPILE" in self.text:
            raise TypeError("a statement whose text depends on its values cannot be prepared")
        self._order: Sequence[str] | None = made.positiontup
        self._constants, self._given = {}, {}
        for name, bound in made.binds.items():
            process = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if not bound.required:
                value = bound.effective_value
                self._constants[name] = process(value) if process else value
            elif process:
                self._given[name] = process
        results = (
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.exported_columns
        )
        self._results = [(at, process) for at, process in enumerate(results) if process]

    def parameters(self, values: Values) -> Values | Sequence[Any]:
        """Return the driver's parameters; raises ``StoreError`` for what cannot be stored."""
        found = {**self._constants, **values}
        try:
            for name, process in self._given.items():
                found[name] = process(found[name])
        except (TypeError, ValueError) as error:
            cause = type(error).__name__
        else:
            return found if self._order is None else [found[name] for name in self._order]
        raise StoreError(f"a value cannot be stored ({cause})", cause)

    def rows(self, fetched: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return what the driver fetched in the types of the columns."""
        if not self._results:
            return fetched
        found = []
        for each in fetched:
            row = list(each)
            for at, process in self._results:
                if row[at] is not None:  # which no type here has another value for
                    row[at] = process(row[at])
            found.append(row)
        return found


class Prepared:
    """A statement with a ``bindparam`` for each value that is given when it is run.

    ``columns`` are those of an INSERT, or of the SET of an UPDATE, that are given.
    """

    def __init__(self, statement: Executable, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """Return it for a database."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = Compiled(self._statement, self._columns, dialect)
        return found
