"""Lines and zones drawn on the page, as they are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping

from pydantic import ValidationError
from sqlalchemy import Connection, select

from streamer.config import RulesConfig
from streamer.errors import StoreError
from streamer.store import tables
from streamer.store.batch import upsert
from streamer.store.rows import milliseconds

__all__ = ["read_rules", "write_rules"]


def read_rules(connection: Connection) -> Mapping[str, RulesConfig]:
    """By camera. Raises StoreError: what is kept is no rules."""
    found = {}
    for camera, document in connection.execute(select(tables.rules.c.camera, tables.rules.c.document)):
        try:
            found[camera] = RulesConfig.model_validate_json(document)
        except ValidationError as error:
            raise StoreError(f"the rules kept for camera {camera} can't be read: {error.errors()[0]['msg']}") from None
    return found


def write_rules(connection: Connection, camera: str, rules: RulesConfig) -> None:
    """Instead of those that were kept for this camera."""
    row = {"camera": camera, "document": rules.model_dump_json(), "changed_at": milliseconds(time.time())}
    statement = upsert(connection, tables.rules).values(row)
    kept = {name: statement.excluded[name] for name in ("document", "changed_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["camera"], set_=kept))
