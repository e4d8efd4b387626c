#!/usr/bin/env python3
"""Runs a command of Tunebook: `python3 manage.py demo`, `python3 manage.py test`, `python3 manage.py --help`."""

import os
import sys

# here, because an old Python cannot even read the other modules
if sys.version_info < (3, 11):
    sys.exit("Tunebook needs Python 3.11 or newer and this is %d.%d. Install a newer one if there is none, "
             "and run this with it, as in: python3.12 manage.py demo" % sys.version_info[:2])  # fmt: skip

from apps.config import bootstrap

if __name__ == "__main__":
    bootstrap.ensure(sys.argv)  # installs what is missing and starts again, or returns at once
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    roles = {"serve": "web", "run_optimizer": "worker"}
    os.environ.setdefault("TUNEBOOK_ROLE", roles.get("".join(sys.argv[1:2]), "command"))

    from django.core.management import execute_from_command_line
    from django.db import Error

    from apps.config.env import EnvError

    try:
        execute_from_command_line(sys.argv)
    except EnvError as error:
        sys.exit(f"A setting cannot be used. {error}")
    except (Error, OSError) as error:
        from apps.config import reaching

        reaching.explain(error)  # ends with a sentence when database or data folder are to blame; else it is our error
        raise
    except KeyboardInterrupt:
        sys.exit(130)  # a shell's status for Ctrl-C
