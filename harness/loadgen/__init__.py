"""The load generator: the only package that imports locust and gevent; it runs in the locust command."""

from harness import compiled

compiled.use()
