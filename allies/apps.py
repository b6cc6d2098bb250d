"""App configuration: connect signals, register checks, and install triggers."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AlliesConfig(AppConfig):
    name = "allies"
    verbose_name = _("Allies")

    def ready(self) -> None:
        post_migrate.connect(install, sender=self)
        from allies.compatibility import old_paths

        old_paths.install()
        # Importing these modules connects their signal handlers and registers their checks.
        from allies.accounts import permission_audit, sessions  # noqa: F401
        from allies.evidence import guards  # noqa: F401
        from allies.evidence import system_checks as evidence_checks  # noqa: F401
        from allies.history import changeset_context  # noqa: F401
        from allies.link_checking import system_checks as link_checks  # noqa: F401
        from allies.monitoring import system_checks as monitoring_checks  # noqa: F401
        from allies.search import index  # noqa: F401


def install(using: str, **_signal: object) -> None:
    """Install the triggers of the content version, after every migration."""
    from allies.db.content_version import install_triggers

    install_triggers(using)
