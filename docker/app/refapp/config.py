"""Everything that can be set, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """See README.md, Environment. Sizes in bytes, times in seconds."""

    product: str
    database_url: str
    read_database_url: str
    reread_seconds: int
    redis_url: str
    secret_key: str
    upload_dir: Path
    heavy_queue: bool
    cache: bool
    cache_seconds: int
    indexes: bool
    n_plus_one: bool
    db_pool_size: int
    db_max_overflow: int
    db_pool_timeout_seconds: float
    db_pool_recycle_seconds: int
    db_pool_pre_ping: bool
    db_transaction_pooling: bool
    sio_ping_interval_seconds: int
    sio_ping_timeout_seconds: int
    password_cost: int
    max_upload_bytes: int
    transcode_timeout_seconds: float
    ffmpeg: str

    @property
    def libpq_url(self) -> str:
        """The database's address as libpq spells it, without SQLAlchemy's driver."""
        return self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SystemExit that names every variable that is missing."""
        required = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "UPLOAD_DIR")
        missing = [name for name in required if not environment.get(name)]
        if missing:
            raise SystemExit(f"not set in the environment: {', '.join(missing)}")
        return cls(
            product=environment.get("PRODUCT", "lectio"),
            database_url=environment["DATABASE_URL"],
            read_database_url=environment.get("READ_DATABASE_URL", ""),
            reread_seconds=int(environment.get("REREAD_SECONDS", "5")),
            redis_url=environment["REDIS_URL"],
            secret_key=environment["SECRET_KEY"],
            upload_dir=Path(environment["UPLOAD_DIR"]),
            heavy_queue=environment.get("HEAVY_QUEUE", "0") == "1",
            cache=environment.get("CACHE", "1") == "1",
            cache_seconds=int(environment.get("CACHE_SECONDS", "60")),
            indexes=environment.get("INDEXES", "1") == "1",
            n_plus_one=environment.get("N_PLUS_ONE", "0") == "1",
            db_pool_size=int(environment.get("DB_POOL_SIZE", "5")),
            db_max_overflow=int(environment.get("DB_MAX_OVERFLOW", "5")),
            db_pool_timeout_seconds=float(environment.get("DB_POOL_TIMEOUT", "5")),
            db_pool_recycle_seconds=int(environment.get("DB_POOL_RECYCLE", "-1")),
            db_pool_pre_ping=environment.get("DB_POOL_PRE_PING", "0") == "1",
            db_transaction_pooling=environment.get("DB_TRANSACTION_POOLING", "0") == "1",
            sio_ping_interval_seconds=int(environment.get("SIO_PING_INTERVAL", "25")),
            sio_ping_timeout_seconds=int(environment.get("SIO_PING_TIMEOUT", "20")),
            password_cost=int(environment.get("PASSWORD_COST", "4096")),
            max_upload_bytes=int(environment.get("MAX_UPLOAD_BYTES", str(64 * 1024 * 1024))),
            transcode_timeout_seconds=float(environment.get("TRANSCODE_TIMEOUT", "300")),
            ffmpeg=environment.get("FFMPEG", "ffmpeg"),
        )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.read(os.environ)
