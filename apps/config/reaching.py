"""What to say when the database does not answer at all."""

import sys

from django.db import OperationalError, connection


def explain() -> None:
    """End the process with a sentence when no connection to the database can be made; else return."""
    connection.close()
    try:
        connection.ensure_connection()
    except OperationalError as error:
        said = str(error).strip() or type(error).__name__
        sys.exit(
            f"The database cannot be reached: {said.splitlines()[0].rstrip('.')}. "
            "Start it, or correct TUNEBOOK_DATABASE_URL; without that variable it is a file in the data folder."
        )
