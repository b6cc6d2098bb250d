"""Inlines for the parts of a record, and autocomplete fields to choose records."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Field
from django.forms import ModelForm
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

#: The most rows that a form accepts per inline; more than any event has countries.
MAX_ROWS = 400


class SafeAutocompleteSelect(AutocompleteSelect):
    """Autocomplete for a record; ignores values that cannot be a primary key."""

    def optgroups(
        self, name: str, value: Any, attrs: dict[str, object] | None = None
    ) -> list[tuple[str | None, list[dict[str, object]], int | None]]:
        return super().optgroups(name, [one for one in value if self._may_be(one)], attrs)

    def _may_be(self, value: object) -> bool:
        if not value:
            return True
        target = self.field.remote_field.model._meta.pk
        try:
            target.run_validators(target.to_python(value))
        except (ValidationError, OverflowError):
            return False
        return True


class AutocompleteMixin:
    """A form in which other records are chosen by autocomplete."""

    def formfield_for_foreignkey(
        self, db_field: "Field[object, object]", request: HttpRequest, **kwargs: object
    ) -> Any:
        if db_field.name in self.autocomplete_fields:  # type: ignore[attr-defined]
            kwargs.setdefault("widget", SafeAutocompleteSelect(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class StableNameFormSet(BaseInlineFormSet):
    """A formset whose fields have accessible names, although the labels are column headings."""

    def add_fields(self, form: ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            if not field.widget.is_hidden and field.label:
                field.widget.attrs.setdefault("aria-label", str(field.label))


class InlineMixin(AutocompleteMixin):
    """Inline for the parts of a record; shows no empty rows until the user adds one."""

    extra = 0
    formset: Any = StableNameFormSet

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: object) -> Any:
        kwargs |= {"max_num": MAX_ROWS, "absolute_max": MAX_ROWS}
        return super().get_formset(request, obj, **kwargs)  # type: ignore[misc]


class TabularRecordInline(InlineMixin, admin.TabularInline):
    """Inline with one table row per part."""
