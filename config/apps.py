"""Third-party apps with our names or settings: admin, sign-in log, background tasks."""

from axes.apps import AppConfig as AxesConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy, gettext_noop
from django_tasks_db.apps import TasksAppConfig


class AlliesAdminConfig(AdminConfig):
    default_site = "allies.admin_site.site.AlliesAdminSite"


class SignInLogConfig(AxesConfig):
    verbose_name = gettext_lazy("Sign-in log")


class BackgroundTasksConfig(TasksAppConfig):
    verbose_name = gettext_lazy("Background tasks")  # type: ignore[assignment]  # translated


#: Names of their models, so that our catalogue can translate them better.
_MODELS = (
    gettext_noop("Task Result"),
    gettext_noop("Task Results"),
    gettext_noop("access attempt"),
    gettext_noop("access attempts"),
    gettext_noop("access attempt expiration"),
    gettext_noop("access attempt expirations"),
    gettext_noop("access failure"),
    gettext_noop("access failures"),
    gettext_noop("access log"),
    gettext_noop("access logs"),
)
