"""Django settings from environment variables, each with a type and validated.

README.md lists all variables in a table. Nothing else in the project reads the environment.
"""

import os
import secrets
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from shutil import disk_usage
from tempfile import NamedTemporaryFile

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import validate

from config.env_parsers import (
    OLD_NAMES,
    apply_old_names,
    env,
    secret_validator,
    validate_hosts,
    validate_time_zone,
)
from config.file_permissions import make_private

BASE_DIR = Path(__file__).resolve().parent.parent

# Variables that are set by their old names. A system check reports them (allies.W004).

OLD_VARIABLES = apply_old_names(os.environ)

# The data folder and the secret key.

DATA_DIR = Path(env.str("ALLIES_DATA_DIR", str(BASE_DIR / "var"))).resolve()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"ALLIES_DATA_DIR cannot be created: {error}") from error


def _local_secret() -> str:
    """Return the secret key in the data folder; create it if there is none.

    Only the user of the site can read it. Raises ImproperlyConfigured if it is not a valid secret.
    """
    path = DATA_DIR / "secret_key"
    if not path.exists():
        # Linked only when it is complete, so that a killed process leaves no empty secret.
        with NamedTemporaryFile("w", dir=DATA_DIR, prefix=".secret_key-") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    secret = path.read_text()
    try:
        secret_validator(50)(secret or "empty")
    except validate.ValidationError as error:
        raise ImproperlyConfigured(
            f"{path} contains no valid secret. {error.messages[0]}"
        ) from error
    return secret


SECRET_KEY = env.str("ALLIES_SECRET_KEY", "", validate=secret_validator(50)) or _local_secret()
DEBUG = env.bool("ALLIES_DEBUG", False)
ALLOWED_HOSTS = env.list(
    "ALLIES_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], validate=validate_hosts
)
SITE_NAME = env.str("ALLIES_SITE_NAME", "Allies")

# Apps. `allies` is first, so that its templates override those of the admin.

INSTALLED_APPS = [
    "allies",
    "config.apps.AlliesAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_filters",
    "simple_history",
    "csp",
    "config.apps.SignInLogConfig",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "django_tasks",
    "config.apps.BackgroundTasksConfig",
]

MIDDLEWARE = [
    "allies.http.rate_limit.require_known_host",
    "allies.page_cache.middleware.page_cache_middleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "allies.http.body_limits.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "allies.http.cross_origin.cross_origin_resource_policy",
    "allies.http.rate_limit.rate_limit_middleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Its {% csrf_token %} also adds the form token, which stops duplicate submissions.
            "builtins": ["allies.templatetags.form_tokens"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: SQLite by default, PostgreSQL with DATABASE_URL.

DATABASES = {"default": env.server("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
CONN_MAX_AGE = env.int("ALLIES_DATABASE_CONN_MAX_AGE", 60, validate=validate.Range(min=0))
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # With WAL, readers never wait for a writer. A transaction takes the write lock when it begins,
    # so writers wait instead of failing. Our backend is Django's, and also notices if the file is
    # removed or damaged.
    DATABASES["default"]["ENGINE"] = "allies.db.sqlite"
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 120,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }

# Only the user of the site can read the database, the secret key and the uploads.

DATABASE_FILE = None
if DATABASES["default"]["ENGINE"] == "allies.db.sqlite":
    DATABASE_FILE = Path(DATABASES["default"]["NAME"]).absolute()
make_private(DATA_DIR, DATABASE_FILE)

# Replicas of a PostgreSQL primary, for readers (allies/db/router.py).

_replicas: list[dict[str, object]] = env.servers("DATABASE_REPLICA_URLS", "")
for _number, _replica in enumerate(_replicas, 1):
    DATABASES[f"replica-{_number}"] = _replica | {"TEST": {"MIRROR": "default"}}
DATABASE_ROUTERS = ["allies.db.router.Router"] if len(DATABASES) > 1 else []
for _name, _server in DATABASES.items():
    _server["CONN_MAX_AGE"] = CONN_MAX_AGE
    if _server["ENGINE"] == "django.db.backends.postgresql":
        _server["CONN_HEALTH_CHECKS"] = True
        # If a server stops responding, the connection fails after seconds, not after 15 minutes.
        _silence = {"connect_timeout": 3, "tcp_user_timeout": 5000, "keepalives_idle": 5}
        _server["OPTIONS"] = _silence | _server.get("OPTIONS", {})
    elif len(DATABASES) > 1:
        raise ImproperlyConfigured(
            "DATABASE_REPLICA_URLS must be replicas of a PostgreSQL primary; "
            f"{'DATABASE_URL' if _name == 'default' else _name} is a different database."
        )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache: the memory of each process or, with CACHE_URL, a server that all processes share. Sessions
# are not in it, because a session that ends must end in every process.

CACHE_URL = env.str(
    "CACHE_URL",
    "",
    validate=validate.Regexp(
        r"$|(rediss?://[^:]*(:[^@]*@[^:]+)?(:\d+)?(/.*)?|unix://.+)$",
        error="It must be a URL like redis://127.0.0.1:6379/0.",
    ),
)
CACHES = {
    "default": {
        "BACKEND": "allies.page_cache.redis_backend.FaultTolerantRedisCache",
        "LOCATION": CACHE_URL,
        "OPTIONS": {
            "serializer": "allies.page_cache.serializer.JsonSerializer",
            "socket_connect_timeout": 0.5,
            "socket_timeout": 1,
        },
    }
    if CACHE_URL
    else {"BACKEND": "allies.page_cache.serializer.JsonLocMemCache"}
}

# Page cache: memory per web process, and how many seconds a CDN may use a page without
# revalidating it.

PAGE_CACHE_BYTES = env.int("ALLIES_PAGE_CACHE_MB", 64, validate=validate.Range(min=0)) * 1024**2
CDN_MAX_AGE_SECONDS = env.int("ALLIES_CDN_MAX_AGE_SECONDS", 0, validate=validate.Range(min=0))

# Background tasks. `manage.py db_worker` reads them from the database.

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Languages and time.

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("id", _("Indonesian"))]
LOCALE_PATHS = [BASE_DIR / "allies" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("ALLIES_TIME_ZONE", "Asia/Jakarta", validate=validate_time_zone)

# Files.

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("ALLIES_STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("handbook", BASE_DIR / "docs" / "screenshots" / "handbook"),  # for allies/admin/handbook.py
]
MEDIA_ROOT = DATA_DIR / "uploads"  # imports waiting to be applied; never served
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        # Readable by everyone, because a proxy may serve them. Other files are private.
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},
    },
}
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
# Incomplete uploads are on the same disk as complete ones, so that they can be renamed.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
with suppress(OSError):  # a site with a read-only disk can still serve readers
    FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # an ally list with many entries is a long form
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024**2  # per form; allies/http/body_limits.py checks it earlier

# Limits of imported files, and the licence of downloads.

IMPORT_MAX_BYTES = env.int("ALLIES_IMPORT_MAX_BYTES", 200 * 1024 * 1024)
IMPORT_MAX_UNCOMPRESSED_BYTES = env.int("ALLIES_IMPORT_MAX_UNCOMPRESSED_BYTES", 2 * 1024**3)
IMPORT_MAX_ROWS = env.int("ALLIES_IMPORT_MAX_ROWS", 2_000_000)
IMPORT_MAX_COLUMNS = env.int("ALLIES_IMPORT_MAX_COLUMNS", 500)
IMPORT_MAX_CELL_LENGTH = env.int("ALLIES_IMPORT_MAX_CELL_LENGTH", 100_000)
# An uploaded file is read in a separate process with these limits of memory and CPU time.
IMPORT_READER_MAX_BYTES = env.int("ALLIES_IMPORT_READER_MAX_BYTES", 512 * 1024**2)
IMPORT_READER_SECONDS = env.int("ALLIES_IMPORT_READER_SECONDS", 300)
DATA_LICENCE = env.str("ALLIES_DATA_LICENCE", "CC-BY-4.0")

# Feeds: the URL of the WebSub hub that notifies subscribers; empty for none.

WEBSUB_HUB = env.str(
    "ALLIES_WEBSUB_HUB",
    "",
    validate=lambda value: value and validate.URL(schemes={"http", "https"})(value),
)

# Links of sources: the class that looks up archived copies; empty for none.

ARCHIVE_CLIENT = env.str("ALLIES_ARCHIVE_CLIENT", "allies.link_checking.archive.InternetArchive")

# Evidence: after how many days without a review it is stale, per record type.

STALE_DAYS: dict[str, int] = env.days_by_noun(
    "ALLIES_STALE_DAYS", "alliance=365,event=1095,entry=365"
)

# Email, used for the weekly summary. Without a server, emails are printed.

EMAIL_HOST = env.str("ALLIES_EMAIL_HOST", "")
EMAIL_PORT = env.int("ALLIES_EMAIL_PORT", 587, validate=validate.Range(1, 65535))
EMAIL_HOST_USER = env.str("ALLIES_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.str("ALLIES_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = env.bool("ALLIES_EMAIL_TLS", True)
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = env.str("ALLIES_EMAIL_FROM", "allies@localhost")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.console.EmailBackend"
)

# Filters: the label of the empty choice.

FILTERS_EMPTY_CHOICE_LABEL = _("any")

# History: the reason for a change may have several lines.

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

# Security.

FORCE_HTTPS = env.bool("ALLIES_FORCE_HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = FORCE_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # requested inside the network
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if FORCE_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = FORCE_HTTPS
BEHIND_PROXY = env.bool("ALLIES_BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "allies.views.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS: list[str] = env.list("ALLIES_TRUSTED_ORIGINS", [])
if _without := [origin for origin in CSRF_TRUSTED_ORIGINS if "://" not in origin]:
    raise ImproperlyConfigured(
        f"ALLIES_TRUSTED_ORIGINS: {_without[0]} needs a scheme, like https://{_without[0]}"
    )
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "report-uri": "/policy-report",
    },
}
#: Browser features that our pages do not use, and that are disabled.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: []
    for name in (
        *("accelerometer", "camera", "display-capture", "encrypted-media", "geolocation"),
        *("gyroscope", "magnetometer", "microphone", "midi", "payment", "serial", "usb"),
        "xr-spatial-tracking",
    )
}

# Rate limits: responses per client and minute, without cached pages. 0: no limit.

LOGIN_RATE_LIMIT_PER_MINUTE = env.int(
    "ALLIES_LOGIN_RATE_LIMIT_PER_MINUTE", 20, validate=validate.Range(min=0)
)
RATE_LIMIT_PER_MINUTE = env.int("ALLIES_RATE_LIMIT_PER_MINUTE", 300, validate=validate.Range(min=0))

# Simultaneous downloads: per client on this machine, and per web process. A web process should
# keep half of its threads free for pages. 0: no limit.

DOWNLOADS_PER_CLIENT = env.int("ALLIES_DOWNLOADS_PER_CLIENT", 2, validate=validate.Range(min=0))
DOWNLOADS_PER_PROCESS = env.int("ALLIES_DOWNLOADS_PER_PROCESS", 2, validate=validate.Range(min=0))

# Sign-in. Failures are counted per user name and IP address, so that nobody can lock out a
# colleague from another address.

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = env.int("ALLIES_LOGIN_FAILURE_LIMIT", 10, validate=validate.Range(min=1))
AXES_COOLOFF_TIME = timedelta(minutes=15)  # also in the text of 429_login_locked.html
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "allies.http.client_ip.get_client_ip"
AXES_LOCKOUT_TEMPLATE = "429_login_locked.html"
AXES_VERBOSE = False
# Form fields with secrets. Their values are left out when a failed attempt is logged.
SECRET_FIELDS = [
    *("password", "password1", "password2", "old_password", "new_password1", "new_password2"),
    *("password_again", "code", "csrfmiddlewaretoken"),
]
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", *SECRET_FIELDS]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# Two-factor authentication: optional per user, or required for everyone.

REQUIRE_2FA = env.bool("ALLIES_REQUIRE_2FA", False)
OTP_TOTP_ISSUER = SITE_NAME

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 12}  # type: ignore[assignment]

# A public site must not start with unsafe settings.

_ELSEWHERE = [name for name in ALLOWED_HOSTS if name not in ("localhost", "127.0.0.1", "[::1]")]
if _ELSEWHERE:
    if DEBUG:
        raise ImproperlyConfigured(
            "ALLIES_DEBUG shows secrets to anyone who meets an error, and "
            f"{_ELSEWHERE[0]} is public (ALLIES_ALLOWED_HOSTS). Turn it off."
        )
    if "ALLIES_FORCE_HTTPS" not in os.environ:
        raise ImproperlyConfigured(
            f"{_ELSEWHERE[0]} is public (ALLIES_ALLOWED_HOSTS): set ALLIES_FORCE_HTTPS to true, "
            "or to false if passwords may cross the network unencrypted."
        )

LOG_LEVEL = env.str(
    "ALLIES_LOG_LEVEL",
    "WARNING",
    validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
)
LOG_FORMAT = env.str("ALLIES_LOG_FORMAT", "line", validate=validate.OneOf(["line", "json"]))
_FIELDS = "{asctime} {levelname} {name} {request_id} {message}"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "named": {"()": "allies.monitoring.log_formatters.RequestIdFilter"},
        "one_line": {"()": "allies.monitoring.log_formatters.ClientErrorFilter"},
    },
    "formatters": {
        "line": {
            "()": "allies.monitoring.log_formatters.LineLogFormatter",
            "fmt": "{asctime} {levelname} {name} [{request_id}]: {message}",
            "style": "{",
        },
        "json": {
            "()": "allies.monitoring.log_formatters.JsonLogFormatter",
            "fmt": _FIELDS,
            "style": "{",
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["named", "one_line"],
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}

# Metrics for Prometheus, enabled by the token that protects them. The processes of a machine share
# a folder, because each of them can be asked for the metrics of all.

METRICS_TOKEN = env.str("ALLIES_METRICS_TOKEN", "", validate=secret_validator(20))
METRICS_MULTIPROCESS = False
if METRICS_TOKEN:
    _folder = DATA_DIR / "metrics"
    # Its files are memory-mapped, so a process would crash if the disk became full.
    with suppress(OSError):
        _folder.mkdir(mode=0o700, exist_ok=True)
        if os.access(_folder, os.W_OK) and disk_usage(_folder).free > 64 * 1024**2:
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_folder))
            METRICS_MULTIPROCESS = True

# Without this check, a misspelled variable would be ignored silently.

SETTINGS_HASH = sha256(repr(sorted(env.dump().items())).encode()).digest()
_unknown = {name for name in os.environ if name.startswith("ALLIES_")} - {*env.dump(), *OLD_NAMES}
if _unknown:
    raise ImproperlyConfigured(
        f"Unknown environment variable: {', '.join(sorted(_unknown))}. Known variables: "
        f"{', '.join(sorted(env.dump()))}"
    )
