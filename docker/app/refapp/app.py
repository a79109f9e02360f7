"""Puts the web application together."""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from refapp import auth, health
from refapp.config import settings
from refapp.errors import answer_errors
from refapp.metrics import measure_requests
from refapp.products import product
from refapp.sockets import serve_sockets, socketio
from refapp.tasks import celery
from refapp.uploading import StreamingRequest
from refapp.uploads import views as uploads

MAX_BODY_BYTES = 64 * 1024


class _Json(DefaultJSONProvider):
    sort_keys = False
    compact = True


class RefApp(Flask):
    """Flask with its two replaceable parts replaced."""

    request_class = StreamingRequest
    json_provider_class = _Json


def create_app() -> Flask:
    """The application of this process, configured by its environment."""
    app = RefApp("refapp", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["celery"] = celery
    settings().upload_dir.mkdir(parents=True, exist_ok=True)
    answer_errors(app)
    measure_requests(app)
    served = product()
    files = (uploads.blueprint,) if served.process else ()
    for blueprint in (auth.blueprint, health.blueprint, *files, *served.blueprints):
        app.register_blueprint(blueprint)
    if served.serve_events is not None:
        served.serve_events(socketio)
    serve_sockets(app)
    return app
