"""Apps of others, with names of this site: the admin, and the record of sign-ins."""

from axes.apps import AppConfig as AxesConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy, gettext_noop


class DeskConfig(AdminConfig):
    default_site = "allies.signing_in.site.Desk"


class SignInLogConfig(AxesConfig):
    verbose_name = gettext_lazy("Sign-in log")


#: Names of its models; the catalogue of this site has better translations of them.
_SIGN_IN_LOG = (
    gettext_noop("access attempt"),
    gettext_noop("access attempts"),
    gettext_noop("access attempt expiration"),
    gettext_noop("access attempt expirations"),
    gettext_noop("access failure"),
    gettext_noop("access failures"),
    gettext_noop("access log"),
    gettext_noop("access logs"),
)
