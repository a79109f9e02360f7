"""Files over HTTP: stored, handed to a worker, and asked about."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Float, bindparam, cast, delete, extract, select
from sqlalchemy.dialects.postgresql import insert

from refapp.auth import signed_in
from refapp.config import settings
from refapp.db import connect
from refapp.errors import ApiError
from refapp.uploading import keep
from refapp.uploads.tables import uploads
from refapp.uploads.work import process
from refapp.users import User
from refapp.validation import client_id

blueprint = Blueprint("uploads", __name__)

_STORE = (
    insert(uploads)
    .values(
        client_id=bindparam("client_id"),
        user_id=bindparam("me"),
        path=bindparam("path"),
        size_bytes=bindparam("size_bytes"),
    )
    .on_conflict_do_nothing(index_elements=["client_id"])
    .returning(uploads.c.status)
)
_FORGET = delete(uploads).where(uploads.c.client_id == bindparam("client_id"))
_STATUS = select(
    uploads.c.client_id,
    uploads.c.status,
    *(
        cast(extract("epoch", uploads.c[name]), Float).label(name)
        for name in ("queued_at", "started_at", "finished_at")
    ),
).where(uploads.c.client_id == bindparam("client_id"), uploads.c.user_id == bindparam("me"))


@blueprint.post("/api/uploads")
@signed_in
def upload(user: User) -> ResponseReturnValue:
    """Store a file and queue its job."""
    request.max_content_length = settings().max_upload_bytes
    identity = client_id(request.form.get("client_id"))
    sent = request.files.get("file")
    if sent is None:
        raise ApiError(400, "file is missing")
    path, size_bytes = keep(sent)
    if size_bytes == 0:
        path.unlink()
        raise ApiError(400, "file is empty")
    values = {"client_id": identity, "me": user.id, "path": str(path), "size_bytes": size_bytes}
    stored = False
    try:
        with connect() as connection:
            stored = connection.execute(_STORE, values).first() is not None
        if not stored:
            path.unlink()
            return jsonify(client_id=identity, status=_status(user, identity)["status"]), 202
        process.delay(identity)
    except Exception:
        # Nothing was acknowledged, so nothing stays: the client may try again with the same id.
        path.unlink(missing_ok=True)
        if stored:
            with connect() as connection:
                connection.execute(_FORGET, {"client_id": identity})
        raise
    return jsonify(client_id=identity, status="queued"), 202


@blueprint.get("/api/uploads/<string:identity>")
@signed_in
def upload_status(user: User, identity: str) -> ResponseReturnValue:
    """How far it is."""
    return jsonify(_status(user, client_id(identity)))


def _status(user: User, identity: str) -> dict[str, Any]:
    with connect() as connection:
        row = connection.execute(_STATUS, {"client_id": identity, "me": user.id}).one_or_none()
    if row is None:
        raise ApiError(404, "no such upload of yours")
    return dict(row._mapping)
