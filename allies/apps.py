"""The app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlliesConfig(AppConfig):
    name = "allies"
    verbose_name = _("Allies")

    def ready(self) -> None:
        from allies import tripwire  # noqa: F401  # importing them registers them
        from allies.links import checks  # noqa: F401
        from allies.search import index  # noqa: F401
