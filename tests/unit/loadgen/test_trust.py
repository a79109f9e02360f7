"""The token is known to both sides and shown to nobody."""

from __future__ import annotations

from harness.loadgen.distributed.trust import Token, challenge

TOKEN = Token("what nobody else may know")


def test_who_knows_it_is_accepted() -> None:
    assert TOKEN.accepts(Token("what nobody else may know").prove("worker", "a", "b"), "worker", "a", "b")


def test_nobody_else_and_no_other_answer_is() -> None:
    proof = TOKEN.prove("worker", "a", "b")
    assert not TOKEN.accepts(Token("a guess").prove("worker", "a", "b"), "worker", "a", "b")
    assert not TOKEN.accepts(proof, "master", "a", "b")
    assert not TOKEN.accepts(proof, "worker", "a", "c")
    assert not TOKEN.accepts(proof, "worker", "b", "a")
    for wrong in (None, "", 7, b"x", "ü"):
        assert not TOKEN.accepts(wrong, "worker", "a", "b")


def test_it_is_shown_nowhere() -> None:
    assert "nobody else" not in repr(TOKEN) + str(TOKEN) + TOKEN.prove("worker", "a", "b")


def test_a_master_without_one_makes_it_up() -> None:
    made = Token.of({})
    assert made != Token.of({})
    assert Token.of(made.environment()) == made
    assert len(made.environment()["PROOFLOAD_WORKER_TOKEN"]) >= 32


def test_no_challenge_comes_twice() -> None:
    assert len({challenge() for _ in range(100)}) == 100
