"""ChitLaq over HTTP."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from refapp.auth import signed_in
from refapp.db import connect
from refapp.errors import ApiError
from refapp.products.chitlaq import queries
from refapp.reading import connect_to_read
from refapp.users import User
from refapp.validation import MAX_ID, client_id, identity, json_object, number, text

MAX_TEXT = 5_000
MAX_COMMENT = 1_000
MAX_WORDS = 100

blueprint = Blueprint("chitlaq", __name__)

_ID = f"<int(min=1, max={MAX_ID}):post>"


@blueprint.get("/api/feed")
@signed_in
def show_feed(user: User) -> ResponseReturnValue:
    """A page of the feed."""
    page, per_page = number("page", 1, 1, 1_000), number("per_page", 20, 1, 100)
    with connect_to_read(user) as connection:
        return jsonify(items=queries.feed(connection, user, page, per_page), page=page)


@blueprint.get(f"/api/posts/{_ID}")
@signed_in
def show_post(user: User, post: int) -> ResponseReturnValue:
    """One post with its last comments."""
    with connect_to_read(user) as connection:
        found = queries.post_detail(connection, post)
    if found is None:
        raise ApiError(404, "no such post")
    return jsonify(found)


@blueprint.post("/api/posts")
@signed_in
def publish(user: User) -> ResponseReturnValue:
    """A new post, with the id of an uploaded picture or without."""
    body = json_object()
    written, said = client_id(body.get("client_id")), text(body, "text", MAX_TEXT)
    image = None if body.get("image") is None else client_id(body["image"])
    with connect() as connection:
        post = queries.publish(connection, user, written, said, image)
    return jsonify(id=post, client_id=written), 201


@blueprint.post(f"/api/posts/{_ID}/comments")
@signed_in
def comment(user: User, post: int) -> ResponseReturnValue:
    """A new comment."""
    body = json_object()
    written, said = client_id(body.get("client_id")), text(body, "text", MAX_COMMENT)
    with connect() as connection:
        made = queries.comment(connection, user, post, written, said)
    if made is None:
        raise ApiError(404, "no such post")
    return jsonify(id=made, client_id=written), 201


@blueprint.get("/api/search")
@signed_in
def search(user: User) -> ResponseReturnValue:
    """Posts that hold the words ``q``."""
    words = text(dict(request.args), "q", MAX_WORDS)
    with connect_to_read(user) as connection:
        return jsonify(items=queries.search(connection, words))


@blueprint.get("/api/notifications")
@signed_in
def show_notifications(user: User) -> ResponseReturnValue:
    """The user's last notifications."""
    with connect_to_read(user) as connection:
        return jsonify(items=queries.notices(connection, user))


@blueprint.post("/api/notifications/seen")
@signed_in
def see_notifications(user: User) -> ResponseReturnValue:
    """Seen up to ``last``."""
    last = identity(json_object(), "last")
    with connect() as connection:
        queries.see(connection, user, last)
    return jsonify(last=last)
