from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import StackError
from harness.stack.media import Clip, clip_path, ensure_clip, fill_up


def test_another_clip_is_another_file(tmp_path: Path) -> None:
    assert clip_path(Clip(), tmp_path) == clip_path(Clip(), tmp_path)
    assert clip_path(Clip(), tmp_path) != clip_path(replace(Clip(), seconds=10), tmp_path)


def test_it_is_between_two_and_six_megabytes_by_its_bit_rates() -> None:
    clip = Clip()
    size = clip.seconds * (clip.video_bits_per_second + clip.audio_bits_per_second) / 8
    assert 2e6 < size < 6e6


def test_one_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    clip_path(Clip(), tmp_path).write_text("film")
    assert ensure_clip(Path("/nonexistent"), Clip(), tmp_path).read_text() == "film"


def test_what_ffmpeg_cannot_make_is_not_kept(tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho 'no such codec' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(StackError, match="could not make the file") as caught:
        ensure_clip(program, Clip(), tmp_path / "state")
    assert caught.value.where == ("no such codec",)
    assert not clip_path(Clip(), tmp_path / "state").exists()


JPEG = b"\xff\xd8\xff\xdb rest \xff\xd9"


@pytest.mark.parametrize("size", [len(JPEG), len(JPEG) + 4, 5_000, 65_537 + len(JPEG), 65_538 + len(JPEG), 2_000_000])
def test_a_jpeg_is_filled_up_to_the_byte(size: int) -> None:
    filled = fill_up(JPEG, size)
    assert len(filled) == size
    assert filled.startswith(JPEG[:2])
    assert filled.endswith(JPEG[2:])
    place = 2
    while filled[place : place + 2] == b"\xff\xfe":
        place += 2 + int.from_bytes(filled[place + 2 : place + 4], "big")
    assert filled[place:] == JPEG[2:], "the comments follow each other without a gap"


@pytest.mark.parametrize("size", [len(JPEG) - 1, len(JPEG) + 3])
def test_what_no_comment_can_fill_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="filled up"):
        fill_up(JPEG, size)
