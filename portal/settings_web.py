"""Settings of what meets a browser: sign-in, cookies, content security policy, API, static files."""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from portal.lib import env

_ROOT = Path(__file__).parents[1]
_PORTAL = env.text("LANDFALL_PORTAL_URL", "http://127.0.0.1:8000")
_GATEWAY = env.text("LANDFALL_GATEWAY_URL", _PORTAL)
_HTTPS = urlsplit(_PORTAL).scheme == "https"
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]

ALLOWED_HOSTS = [urlsplit(_PORTAL).hostname or "", *env.words("LANDFALL_HOSTS"), *_LOOPBACK]
CSRF_TRUSTED_ORIGINS = [_PORTAL]

# By HTTPS everything is held to HTTPS. Loopback, where the demo runs, has no certificate to insist on.
SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "landfall_session"
CSRF_COOKIE_NAME = "landfall_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF] if _GATEWAY == _PORTAL else [SELF, _GATEWAY],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# The one they were taken on with: nothing proves another, and whose it is already must not be told.
ACCOUNT_MAX_EMAIL_ADDRESSES = 1
ACCOUNT_ADAPTER = "tenants.interfaces.accounts.AccountAdapter"
# Passwords and codes are counted by tenants.interfaces.guessing, where no stranger holds up a known device.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
# Locking the pair and not the account: a stranger cannot lock its owner out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_USERNAME_CALLABLE = "tenants.interfaces.accounts.account_named"
AXES_LOCKOUT_CALLABLE = "tenants.interfaces.accounts.sign_in_closed"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "tenants.interfaces.addresses.client_address"
# Counted in the cache: rows would heap up under an attack, and each would be written for a stranger.
AXES_HANDLER = "axes.handlers.cache.AxesCacheHandler"
# Known devices and signed-in sessions have counts of their own.
AXES_WHITELIST_CALLABLE = "tenants.interfaces.accounts.has_own_count"

MFA_ADAPTER = "tenants.interfaces.mfa.MfaAdapter"
MFA_FORMS = {
    "authenticate": "tenants.interfaces.codes.SecondStepForm",
    "reauthenticate": "tenants.interfaces.codes.ConfirmForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Landfall"
# People are taken on or invited: nobody waits before an account's owner with an address that is not proved.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Browsers hold localhost for safe, and so does the library; every other name has https.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False

_REDIS = env.text("REDIS_URL")
_NEAR = "django.core.cache.backends.locmem.LocMemCache"  # tests, and commands outside a portal
SILENCED_SYSTEM_CHECKS = [] if _REDIS else ["axes.W001"]  # no other process counts with them
CACHES = {
    "default": {
        "BACKEND": "portal.lib.cache.SteadyCache" if _REDIS else _NEAR,
        "LOCATION": _REDIS,
        "KEY_PREFIX": "landfall",
        "OPTIONS": {"MAX_ENTRIES": 50_000},  # of what a process keeps by itself
    }
}

# A file is on disk until its request ends, and none is larger than a page here takes.
FILE_UPLOAD_HANDLERS = ["portal.lib.uploads.BoundedUpload"]
STATIC_URL = "/static/"
STATIC_ROOT = env.text("LANDFALL_STATIC") or None  # only where collectstatic has run; else by the finders
_MODULES = _ROOT / "node_modules"
STATICFILES_DIRS = [
    (name, path)
    for name, path in {
        "tabler": _MODULES / "@tabler" / "core" / "dist" / "css",
        "htmx": _MODULES / "htmx.org" / "dist",
        "idiomorph": _MODULES / "idiomorph" / "dist",
        "uplot": _MODULES / "uplot" / "dist",
        "inter": _MODULES / "@fontsource-variable" / "inter" / "files",
        "": _ROOT / "static-built",  # the sprite, by manage.py build_sprite
    }.items()
    if path.is_dir()
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["portal.lib.authentication.BrowserSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.lib.parsing.PlainJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.interfaces.problems.problem_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Landfall",
    "DESCRIPTION": "What the browser can do, the API can. Refusals are RFC 9457 problem documents.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LANDFALL_LOG_LEVEL", "INFO")},
    "loggers": {"axes": {"level": "WARNING"}},
}
