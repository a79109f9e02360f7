"""From evidence to verdicts, pure."""
