"""For ``gunicorn refapp.wsgi:app -k gevent``, whose workers patch the standard library before they import this."""

from __future__ import annotations

from refapp.app import create_app

app = create_app()
