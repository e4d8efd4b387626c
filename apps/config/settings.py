"""Django's settings. What differs between installations comes from the environment, through `env`."""

import os
from datetime import timedelta
from pathlib import Path

from apps.config import bundles, datafolder, env

# before numpy is loaded: on the samplers' small matrices more threads only wait for each other, and for the trials
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent.parent
ENV = env.read(root=ROOT)

# What other parts may ask for, under the names of the variables.
TUNEBOOK_DATA = ENV.data
TUNEBOOK_SLOTS = ENV.slots
TUNEBOOK_THREADS = ENV.threads
TUNEBOOK_DRAIN_SECONDS = ENV.drain_seconds
TUNEBOOK_TRASH_DAYS = ENV.trash_days
TUNEBOOK_ALLOW_WEBHOOKS = ENV.allow_webhooks
TUNEBOOK_TABLE_DATABASE_URL = ENV.table_database_url
TUNEBOOK_SOURCES = ENV.sources
TUNEBOOK_PLUGIN_PATHS = ENV.plugin_paths
TUNEBOOK_URL = ENV.url  # where trials reach the web process; `up` and `demo` know it by themselves
TUNEBOOK_RAY_ADDRESS = ENV.ray_address
TUNEBOOK_RAY_TOKEN = ENV.ray_token
TUNEBOOK_RAY_SLOTS = ENV.ray_slots
TUNEBOOK_RAY_LOST_AFTER = ENV.ray_lost_after
TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE = ENV.allow_unauthenticated_engine
TUNEBOOK_WMLA_SUBMIT_ANSWER = ENV.wmla_submit_answer
TUNEBOOK_WMLA_SIGNAME_OPTIONAL = ENV.wmla_signame_optional
TUNEBOOK_WMLA_PLUGIN_PATHS = ENV.wmla_plugin_paths
TUNEBOOK_WMLA_DATA = ENV.wmla_data
TUNEBOOK_RATE_LIMITS = ENV.rate_limits
TUNEBOOK_PATH_PREFIX = ENV.path_prefix
TUNEBOOK_BUNDLE = bundles.bundle  # how a report takes our scripts and styles into itself

DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key or datafolder.secret_key(ENV.data)
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.trusted_origins)

INSTALLED_APPS = [
    "apps.workspaces",
    "apps.tags",
    "apps.experiments",
    "apps.trials",
    "apps.artifacts",
    "apps.feed",
    "apps.insights",
    "apps.search",
    "apps.audit",
    "apps.discussion",
    "apps.sharing",
    "apps.reports",
    "apps.optimizer",
    "apps.dialects",
    "apps.dialects.azureml",
    "apps.dialects.hyperdrive",
    "apps.dialects.mlflow",
    "apps.dialects.pai",
    "apps.dialects.tunebook",
    "apps.dialects.wmla",
    "apps.dashboard",
    "apps.live",
    "apps.config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "django_filters",
    "channels",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.config.headers.ContentSecurityPolicy",
    "apps.config.health.Probes",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.config.headers.CompressPages",
    "apps.config.sessions.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.config.sessions.SessionAge",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.config.errors.WrongMethods",
]

CSRF_FAILURE_VIEW = "apps.config.errors.forbidden"
ROOT_URLCONF = "apps.config.urls"
WSGI_APPLICATION = "apps.config.wsgi.application"
ASGI_APPLICATION = "apps.config.asgi.application"
FORCE_SCRIPT_NAME = ENV.path_prefix or None
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": env.database(ENV)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = f"{ENV.path_prefix}/login"
LOGIN_REDIRECT_URL = f"{ENV.path_prefix}/"
LOGOUT_REDIRECT_URL = LOGIN_URL

SESSION_COOKIE_NAME = "tunebook_session"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())  # of being idle; SessionAge renews it
SESSION_ABSOLUTE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ENV.https
SESSION_COOKIE_PATH = f"{ENV.path_prefix}/"
CSRF_COOKIE_NAME = "tunebook_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = ENV.https
CSRF_COOKIE_PATH = f"{ENV.path_prefix}/"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if ENV.https else 0
X_FRAME_OPTIONS = "DENY"

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

STATIC_URL = f"{ENV.path_prefix}/static/"
STATIC_ROOT = ENV.data / "static"
STATICFILES_DIRS = [ROOT / "static"] if (ROOT / "static").is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": ENV.data / "files"}},
    "staticfiles": {"BACKEND": "apps.config.static.HashedFiles"},
}
if ENV.artifacts:  # the files of trials in a bucket; needs the extra `s3`
    STORAGES["artifacts"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {**ENV.artifacts, "file_overwrite": True, "default_acl": None},
    }
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tunebook",
    "DESCRIPTION": "The native API, as clients of PAI AutoML know it, and what goes beyond it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without_traces": {"()": "apps.config.logs.WithoutTraces"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_traces"]},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "apps": {"level": "INFO"},
        "tunebook": {"level": "INFO"},
        # one line with the traceback comes from django.request; 4xx answers are the client's business
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
# SQLite has no covering columns in indexes and leaves them out, which is meant
SILENCED_SYSTEM_CHECKS = ["models.W040"]
