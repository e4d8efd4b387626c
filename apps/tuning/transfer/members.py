"""The members of the document, the same for writing and reading: what is copied from and to columns word for word."""

FORMAT = "tunebook.experiment"
VERSION = 1

EXPERIMENT = ("name", "description", "accessibility", "dialect", "submitted", "status", "reason")
EXPERIMENT_TIMES = ("created", "started", "ended")
TRIAL = ("space_version", "source", "note", "excluded_why", "status", "stopped_by", "reason")
TRIAL_FLAGS = ("excluded", "extra")
TRIAL_NUMBERS = ("expected", "spread", "value")
TRIAL_PLACES = ("parent",)
TIMES = ("created", "started", "ended")
ATTEMPT = ("executor", "host", "state", "reason")
ATTEMPT_NUMBERS = ("code", "signal")
WRITTEN = ("username", "text")
