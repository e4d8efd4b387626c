"""What the command ends with."""

DONE, NOT_WELL, USAGE, REFUSED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130
