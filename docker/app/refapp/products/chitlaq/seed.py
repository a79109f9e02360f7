"""ChitLaq's data to an audience, with the plan's sizes: 10 posts of 2 KB and 50 private messages of 500 bytes for each
user. Each follows 20 others, and each post has two comments.

Made inside of the database from md5 sums, since ten thousand users have half a million messages.
"""

from __future__ import annotations

from random import Random

from psycopg import Cursor
from psycopg.types.numeric import Int8

from refapp.products.base import Audience

POSTS_EACH = 10
MESSAGES_EACH = 50
FOLLOWS_EACH = 20
COMMENTS_EACH = 2

_WORDS = "sun rain tea train exam football sea phone song market bread night river film cat"

# A row's word is chosen by the digits of an md5 sum, so that a search finds its share of the posts.
_FUNCTIONS = """
    CREATE FUNCTION pg_temp.word(n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
        SELECT (string_to_array(current_setting('seed.words'), ' '))[
            1 + ('x' || substr(md5(n || current_setting('seed.number')), 1, 6))::bit(24)::int % 15
        ]
    $$;
    CREATE FUNCTION pg_temp.moment(n bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
        SELECT timestamptz '2026-01-12 08:00+00' + n * interval '1 second'
    $$;
"""
_STATEMENTS = (
    """
    INSERT INTO follows (follower_id, followed_id)
    SELECT u, 1 + (u + k * k) %% %(users)s FROM generate_series(1, %(users)s) u, generate_series(1, %(follows)s) k
    WHERE 1 + (u + k * k) %% %(users)s <> u
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO posts (author_id, text, created_at)
    SELECT 1 + n %% %(users)s, pg_temp.word(n) || ' ' || repeat(md5(n || 'post') || ' ', 60), pg_temp.moment(n)
    FROM generate_series(0, %(users)s * %(posts)s - 1) n
    """,
    """
    INSERT INTO comments (post_id, author_id, text, created_at)
    SELECT 1 + n %% (%(users)s * %(posts)s), 1 + (n * 7) %% %(users)s,
           pg_temp.word(n) || ' ' || md5(n || 'comment'), pg_temp.moment(n)
    FROM generate_series(0, %(users)s * %(posts)s * %(comments)s - 1) n
    """,
    """
    INSERT INTO notifications (user_id, actor_id, post_id, seen, created_at)
    SELECT 1 + n %% %(users)s, 1 + (n * 7) %% %(users)s, 1 + n, n %% 3 > 0, pg_temp.moment(n)
    FROM generate_series(0, %(users)s * %(posts)s - 1) n
    """,
    """
    INSERT INTO private_messages (lower_id, higher_id, author_id, text, created_at)
    SELECT least(a, b), greatest(a, b), a, pg_temp.word(n) || ' ' || repeat(md5(n || 'message'), 15), pg_temp.moment(n)
    FROM (
        SELECT n, 1 + n %% %(users)s AS a, 1 + (n %% %(users)s + 1 + n / %(users)s %% 5) %% %(users)s AS b
        FROM generate_series(0, %(users)s * %(messages)s - 1) n
    ) talks
    WHERE a <> b
    """,
)


def seed(cursor: Cursor[tuple[object, ...]], audience: Audience, random: Random) -> None:
    """Fill the tables."""
    number = str(random.randrange(2**31))
    cursor.execute("SELECT set_config('seed.words', %s, true), set_config('seed.number', %s, true)", (_WORDS, number))
    cursor.execute(_FUNCTIONS)
    numbers = {
        "users": audience.counts["user"],
        "follows": FOLLOWS_EACH,
        "posts": POSTS_EACH,
        "comments": COMMENTS_EACH,
        "messages": MESSAGES_EACH,
    }
    parameters = {name: Int8(value) for name, value in numbers.items()}  # psycopg's own choice would overflow
    for statement in _STATEMENTS:
        cursor.execute(statement, parameters)
