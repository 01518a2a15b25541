"""Listens to the readers that a station is meant to use, where it has others."""

from __future__ import annotations

from kiosk.ports import PostReaderEvent, ReaderEvent, ReadersChanged, ServiceFound, ServiceLost


def only_readers(part: str, post: PostReaderEvent) -> PostReaderEvent:
    """Return a ``post`` that drops what readers say whose name does not hold ``part``."""
    if not part:
        return post

    def filtered(event: ReaderEvent) -> None:
        match event:
            case ReadersChanged(readers):
                post(ReadersChanged(tuple(name for name in readers if part in name)))
            case ServiceLost() | ServiceFound():
                post(event)
            case _ if part in event.reader:
                post(event)
            case _:
                return

    return filtered
