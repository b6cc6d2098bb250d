"""The editors' side: one file a noun."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from allies.admin import (
    alliance,
    ally_list,
    changeset,
    citation,
    correction,
    country,
    edition,
    event,
    source,
)

admin.site.site_header = _("Allies: the desk")
admin.site.site_title = _("Allies")
admin.site.index_title = _("Contents")

__all__ = [
    "alliance",
    "ally_list",
    "changeset",
    "citation",
    "correction",
    "country",
    "edition",
    "event",
    "source",
]
