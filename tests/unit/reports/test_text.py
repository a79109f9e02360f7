from reports.text import fit


def test_keeps_words_of_any_language_and_replaces_what_no_file_can_hold():
    assert fit("Алерты ≤ 500 ms\t\n🎯\u00a0") == "Алерты ≤ 500 ms\t\n🎯\u00a0"
    assert fit("\x00\x08\x1b[31m\x7f\ud800\ufffe") == "\ufffd\ufffd\ufffd[31m\ufffd\ufffd\ufffd"
