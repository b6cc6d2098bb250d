"""Citations: rows of what they are about, and a list of their own."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from allies.admin.base import RecordAdmin
from allies.models import Citation, Stance


class CitationFormSet(BaseInlineFormSet):
    """The citations of one record: a public one keeps a supporting one."""

    def clean(self) -> None:
        super().clean()
        governing = self.instance.governed_by if self.instance.pk else None
        if any(self.errors) or governing is None or not governing.is_published:
            return
        for form in self.forms:
            row = getattr(form, "cleaned_data", None) or {}
            source = row.get("source")
            if (
                source is not None
                and not row.get("DELETE")
                and row.get("stance") == Stance.SUPPORTS
                and source.is_published
            ):
                return
        if self.initial_form_count():
            raise ValidationError(
                _("This is public and needs a supporting citation to a published source.")
            )


class CitationInline(admin.StackedInline):
    model = Citation
    formset = CitationFormSet
    extra = 0
    fields = (("source", "stance"), ("locator", "verified_on"), "quote", "note_en", "note_ind")
    autocomplete_fields = ("source",)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("quote", "note_en", "note_ind"):
            field.widget.attrs.update(rows=2)
        return field


@admin.register(Citation)
class CitationAdmin(RecordAdmin):
    list_display = ("source", "stance", "target", "locator", "verified_on")
    list_filter = ("stance",)
    search_fields = ("source__key", "source__folded", "locator", "quote")
    autocomplete_fields = ("source", "alliance", "event", "entry")
    list_select_related = ("source", "alliance", "event", "entry__ally_list", "entry__country")
    fields = (
        "source",
        "stance",
        "alliance",
        "event",
        "entry",
        "locator",
        "quote",
        "note_en",
        "note_ind",
        "verified_on",
    )

    @admin.display(description=_("about"))
    def target(self, citation: Citation) -> str:
        return str(citation.target)
