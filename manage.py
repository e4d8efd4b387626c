#!/usr/bin/env python3
"""Runs a command of Tunebook: `python3 manage.py demo`, `python3 manage.py --help`."""

import os
import sys

from apps.config import bootstrap

if __name__ == "__main__":
    bootstrap.ensure(sys.argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apps.config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
