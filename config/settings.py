"""Settings: everything that differs between machines comes from the environment."""

from pathlib import Path

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from common.masking import mask_log
from deploy import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env("JUZHEN_VAR", default=str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or embedded.secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "portal",
    "sample",
    "touch",
    "campaigns",
    "contacts",
    "segmentation",
    "scoring",
    "customers",
    "lake",
    "jobs",
    "accounts",
    "common",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "treebeard",
    "allauth",
    "allauth.account",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

# --- database and broker: the given servers, or the embedded ones of this checkout ---
DATABASES = {
    "default": env.db_url_config(
        env("DATABASE_URL", default="") or embedded.addresses().database_url
    )
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"].setdefault("application_name", "juzhen")
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Connections that a process lends to its requests; 0: each request makes one of its own. Web
# servers set it (config.wsgi); a worker must not, because Celery closes the pool after every task.
if DATABASE_POOL := env.int("DATABASE_POOL", default=0):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL,
        "timeout": 10,
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- where the lake, the landing files and the model files live ---
LAKE_DIR = Path(env("LAKE_DIR", default=str(VAR_DIR / "lake")))
LANDING_DIR = Path(env("LANDING_DIR", default=str(VAR_DIR / "landing")))
MODELS_DIR = Path(env("MODELS_DIR", default=str(VAR_DIR / "models")))
# Each dataset is cut by customer number into this many files; a step holds one at a time.
# Changing it needs a new lake: partitions of unlike cuts do not join.
LAKE_PARTS = env.int("LAKE_PARTS", default=16)
# Business days of the lake before the published one.
LAKE_KEEP_DAYS = env.int("LAKE_KEEP_DAYS", default=90)
# Until when what became of an answer may be reported; for how long answers are kept.
DECISION_DAYS = env.int("DECISION_DAYS", default=30)
DECISION_KEEP_DAYS = env.int("DECISION_KEEP_DAYS", default=400)
# What happened at contacts. No limit reaches further back than 800 days, and the oldest decision
# must find all that it was made from.
CONTACT_KEEP_DAYS = env.int("CONTACT_KEEP_DAYS", default=800 + DECISION_KEEP_DAYS)
ENGINE_MEMORY = env("ENGINE_MEMORY", default="3GiB")
ENGINE_THREADS = env.int("ENGINE_THREADS", default=2)

# --- background work ---
CELERY_BROKER_URL = env("BROKER_URL", default="") or embedded.addresses().broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 2,
    "interval_start": 0.1,
    "interval_step": 0.2,
}
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"confirm_publish": True}
    if CELERY_BROKER_URL.startswith("amqp")
    else {"visibility_timeout": 1800}
)
CELERY_TIMEZONE = "UTC"
# Runs of these kinds go to a queue of their own, so that a training never keeps the day waiting.
SLOW_KINDS = ("training",)
CELERY_TASK_ROUTES = {"jobs.work_slowly": {"queue": "training"}}
# Rows that one training reads at most; whole parts, so somewhat fewer.
TRAINING_ROWS = env.int("TRAINING_ROWS", default=1_000_000)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
STEP_ATTEMPTS = env.int("STEP_ATTEMPTS", default=5)

# --- people ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False  # django-axes counts failures, by name and address
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=False)
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- languages and time ---
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="Asia/Shanghai")

# --- pages and the REST interface ---
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.api.problem_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Juzhen 矩阵",
    "DESCRIPTION": "Today's right offer for each customer, and why; and what became of it.\n\n"
    "A system sends its key: `Authorization: Bearer jz_…`. Texts for people come in the language "
    "of `Accept-Language`: `en` or `zh-hans`. Every refusal is one `application/problem+json`, "
    "whose `code` is stable.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "TAGS": [
        {"name": "recommendations", "description": "What a customer is offered now, and why."},
        {"name": "decisions", "description": "Answers once given, made again."},
        {"name": "feedback", "description": "What customers did about what they were offered."},
        {"name": "opt-outs", "description": "What customers do not want to hear from."},
    ],
    # The same lists under the same names in every client that is generated.
    "ENUM_NAME_OVERRIDES": {
        "ChannelEnum": "touch.api.serializers.CHANNELS",
        "GateEnum": "touch.api.serializers.GATES",
        "OptOutEnum": "touch.api.serializers.OPT_OUTS",
        "OutcomeEnum": "touch.api.serializers.OUTCOMES",
        "ReasonEnum": "touch.api.serializers.REASONS",
    },
    # Codes speak for themselves; their names depend on the language of whoever reads.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# One JSON object a line, each with the id of its request; what is below the level costs nothing.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
            ],
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_log,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
}
# Who asked is told by the session, which not every request should have to read; the address, by
# the proxy in front.
DJANGO_STRUCTLOG_USER_ID_FIELD = None
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
