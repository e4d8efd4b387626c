"""A whole experiment as one document, to be kept or carried to another Tunebook, and experiments made from such documents.

    {"format": "tunebook.experiment", "version": 1, "experiment": {...}, "spaces": [...],
     "notes": [...], "comments": [...], "trials": [...]}

What is derived (counts, best value, curves' last points) is left out and worked out anew. Logs, files and the event log
stay where they were.
"""

from apps.tuning.transfer.dumping import dump
from apps.tuning.transfer.loading import load, read, store

__all__ = ["dump", "load", "read", "store"]
