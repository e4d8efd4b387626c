"""The settings of the test suite: those of the product, with a throw-away data folder and quick passwords."""

import os
import tempfile
from pathlib import Path

# before the product's settings read them; xdist's workers inherit the first process's folder
if "TUNEBOOK_DATA" not in os.environ:
    folder = tempfile.TemporaryDirectory(prefix="tunebook-tests-", ignore_cleanup_errors=True)  # goes with the process
    os.environ["TUNEBOOK_DATA"] = folder.name
os.environ.setdefault("TUNEBOOK_SECRET_KEY", "only-for-the-tests-" + "x" * 50)

from apps.config.settings import *
from apps.config.settings import DATABASES, STATIC_ROOT, STORAGES, TUNEBOOK_DATA

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

# threads of a test come and go; a connection that outlived its thread would keep the test database busy
DATABASES["default"]["CONN_MAX_AGE"] = 0

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # a file, not memory: other processes and threads of a test open it too; durability is not what is tested
    DATABASES["default"]["TEST"] = {"NAME": str(Path(TUNEBOOK_DATA) / "test.sqlite3")}
    options = DATABASES["default"]["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
    # whoever relies on an order must ask for it: PostgreSQL answers as it likes
    options["init_command"] += "PRAGMA reverse_unordered_selects=ON;"
