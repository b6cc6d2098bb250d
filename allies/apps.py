"""The app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AlliesConfig(AppConfig):
    name = "allies"
    verbose_name = _("Allies")

    def ready(self) -> None:
        post_migrate.connect(install, sender=self)
        from allies import tripwire  # noqa: F401  # importing them registers them
        from allies.links import checks  # noqa: F401
        from allies.observing import checks as _observing_checks  # noqa: F401
        from allies.search import index  # noqa: F401
        from allies.signing_in import rights_record, sessions  # noqa: F401


def install(using: str, **_signal: object) -> None:
    """Set what counts the writes of readers' content, after every migration."""
    from allies.caching.version import install

    install(using)
