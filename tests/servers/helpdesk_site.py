"""A Django site with nothing in it but django-helpdesk; it runs in .venv-servers.

`helpdesk_site.py FOLDER set-up PASSWORD` makes its database, `helpdesk_site.py FOLDER serve PORT`
serves it on loopback.
"""

import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
STAFF, FIELD, QUEUE = "kbsupport", "kbsupport", "Support"


def settings():
    builtin = "admin auth contenttypes humanize messages sessions sites staticfiles"
    processors = ["auth.context_processors.auth", "messages.context_processors.messages"]
    return {
        "SECRET_KEY": "of one test run", "ALLOWED_HOSTS": ["127.0.0.1"], "ROOT_URLCONF": __name__,
        "USE_TZ": True, "SITE_ID": 1, "STATIC_URL": "/static/",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "DATABASES": {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "site.sqlite"}
        },
        "INSTALLED_APPS": [
            *(f"django.contrib.{part}" for part in builtin.split()), "rest_framework", "helpdesk",
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request",
                *(f"django.contrib.{part}" for part in processors),
            ]},
        }],
        # Each call proves who we are; the usual hash takes a quarter of a second.
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": FOLDER / "outbox", "MEDIA_ROOT": FOLDER / "media",
        "HELPDESK_ACTIVATE_API_ENDPOINT": True, "HELPDESK_TEAMS_MODEL": "auth.User",
        "HELPDESK_TEAMS_MIGRATION_DEPENDENCIES": [],
        "HELPDESK_KBITEM_TEAM_GETTER": lambda _: None,
    }  # fmt: skip


def set_up(password):
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from helpdesk.models import CustomField, Queue

    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    User.objects.create_user(STAFF, "kbsupport@desk.example", password, is_staff=True)
    Queue.objects.create(title=QUEUE, slug="support", email_address="support@desk.example")
    CustomField.objects.create(name=FIELD, label=FIELD, data_type="text", staff_only=True)


def serve(port):
    from django.core.management import call_command

    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)


def __getattr__(name):
    # Asked for by Django once it is set up; helpdesk cannot be imported before.
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.contrib import admin
    from django.urls import include, path

    return [
        path("admin/", admin.site.urls),
        path("", include("helpdesk.urls", namespace="helpdesk")),
    ]


if __name__ == "__main__":
    import django
    from django.conf import settings as django_settings

    django_settings.configure(**settings())
    django.setup()
    {"set-up": set_up, "serve": serve}[sys.argv[2]](sys.argv[3])
