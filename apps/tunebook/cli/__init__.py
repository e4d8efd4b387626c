"""The `tunebook` command: submit a sweep, follow it, stop it.

Exit codes: 0 done; 1 the experiment did not finish well; 2 wrong usage or a file that is no sweep;
3 the server refused; 4 the server cannot be reached; 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from tunebook.cli.codes import DONE, INTERRUPTED, NOT_WELL, REFUSED, UNREACHABLE, USAGE
from tunebook.cli.parser import parser
from tunebook.errors import ClientError, SpecError

__all__ = ["DONE", "INTERRUPTED", "NOT_WELL", "REFUSED", "UNREACHABLE", "USAGE", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ClientError as error:
        print(f"tunebook: {error.message}", file=sys.stderr)
        return UNREACHABLE if error.code == "unreachable" else USAGE if error.status == 0 else REFUSED
    except SpecError as error:
        print(f"tunebook: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        print(f"tunebook: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
