"""Sources in the admin, with warnings about duplicates and suggestions of original sources."""

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.admin.alerts_filter import AlertFilter
from allies.admin.status_buttons import PublishableAdmin
from allies.evidence.origin_suggestions import suggest_origins
from allies.history.steps import parse_id
from allies.models import Source
from allies.text.urls import url_key

#: Fields that are compared to find duplicates.
_DUPLICATE_FIELDS = ("url", "archive_url", "title", "publisher")

#: The most duplicates to name in a message; a search finds the rest.
_MAX_NAMED = 5


def _links(sources: Iterable[Source], *, in_popup: bool) -> SafeString:
    """Return links to sources; in a popup, each has a button that chooses it."""
    return format_html_join("; ", "{}", ([_link(source, in_popup=in_popup)] for source in sources))


def _link(source: Source, *, in_popup: bool) -> SafeString:
    change = reverse("admin:allies_source_change", args=[source.pk])
    link = format_html(
        '<a href="{}" target="_blank" rel="noopener">{} ({})</a>', change, source, source.key
    )
    if not in_popup:
        return link
    use = reverse("admin:allies_source_use", args=[source.pk])
    return format_html(
        '{} <a class="button use-source" href="{}?{}=1" aria-label="{}">{}</a>',
        link,
        use,
        IS_POPUP_VAR,
        _("Use this source: %(source)s") % {"source": source},
        _("Use this source"),
    )


class SourceForm(forms.ModelForm):
    """A source that looks like a duplicate is saved only if the editor confirms that it is not."""

    is_another = forms.BooleanField(
        required=False,
        label=gettext_lazy("Not a duplicate"),
        widget=forms.HiddenInput,  # shown once there is something to confirm
    )

    #: Set by the admin: whether the form is in the popup of another form.
    in_popup = False

    def clean(self) -> Any:
        data = super().clean()
        if self.instance.pk and not set(_DUPLICATE_FIELDS) & set(self.changed_data):
            return data
        given = {name: self.cleaned_data.get(name) or "" for name in _DUPLICATE_FIELDS}
        found = list(Source.objects.duplicates_of(**given, besides=self.instance.pk)[:_MAX_NAMED])
        if found:
            self.fields["is_another"].widget = forms.CheckboxInput()
            if not self.cleaned_data.get("is_another"):
                self._refuse(found, {url_key(given["url"]), url_key(given["archive_url"])} - {""})
        return data

    def _refuse(self, found: list[Source], addresses: set[str]) -> None:
        here = [s for s in found if addresses & {s.url_key, s.archive_key}]
        titled = [s for s in found if s not in here]
        for field, sources, message in (
            ("url", here, _("A source with this URL already exists: {}")),
            ("title", titled, _("A source with this title already exists: {}")),
        ):
            if sources:
                links = _links(sources, in_popup=self.in_popup)
                self.add_error(field, format_html(message, links))
        self.add_error("is_another", _("Tick this if it is a different document."))


@admin.register(Source)
class SourceAdmin(PublishableAdmin):
    form = SourceForm
    list_display = (
        *("key", "publisher", "title", "date_published", "derived_from", "status"),
        "health",
    )
    list_filter = (AlertFilter, "status", "kind", "language")
    list_select_related = ("derived_from", "link_health")
    search_fields = ("folded",)
    autocomplete_fields = ("derived_from",)
    fieldsets = (
        (
            None,
            {"fields": ("is_another", "status", ("key", "kind"), "publisher", "title", "author")},
        ),
        (
            gettext_lazy("Where and when"),
            {"fields": ("url", "archive_url", ("date_published", "language"))},
        ),
        (
            gettext_lazy("Data set"),
            {
                "classes": ("collapse",),
                "fields": ("doi", ("licence", "redistribution"), ("covers_from", "covers_to")),
            },
        ),
        (gettext_lazy("Based on"), {"fields": ("credit", "derived_from", "origin_suggestions")}),
    )

    def get_urls(self) -> list[URLPattern]:
        use = path(
            "<path:object_id>/use/",
            self.admin_site.admin_view(self.use_view),
            name="allies_source_use",
        )
        return [use, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the key read-only after creation, because addresses, files and texts refer to it."""
        given_once = ("key",) if obj else ()
        return ("status", *given_once, "origin_suggestions")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out fields that do not apply.

        Add forms have no suggested originals. If the user cannot edit the source, these and “Not a
        duplicate” are left out.
        """
        aside = {"origin_suggestions"} if obj is None else set()
        if obj is not None and not self.has_change_permission(request, obj):
            aside = {"origin_suggestions", "is_another"}
        return [
            (title, {**options, "fields": [f for f in options["fields"] if f not in aside]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.in_popup = IS_POPUP_VAR in request.GET or IS_POPUP_VAR in request.POST
        return form

    def render_change_form(  # type: ignore[override]
        self, request: HttpRequest, context: dict[str, Any], **kwargs: object
    ) -> HttpResponse:
        """Warn on an add form if the address in ``?url=`` belongs to an existing source."""
        url = request.GET.get("url", "")
        is_opened = kwargs.get("add") and request.method == "GET"
        if is_opened and (found := Source.objects.duplicates_of(url=url)[:_MAX_NAMED]):
            links = _links(found, in_popup=IS_POPUP_VAR in request.GET)
            text = _("A source with this URL already exists: {}")
            messages.warning(request, format_html(text, links))
        return super().render_change_form(request, context, **kwargs)

    def use_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Select an existing source in the form that opened the popup.

        Raises Http404 if it does not exist, PermissionDenied if the user may not view it.
        """
        source = self.get_viewable_or_404(request, object_id)
        chosen = json.dumps({"value": str(source.pk), "obj": str(source)})
        return TemplateResponse(
            request, "admin/popup_response.html", {"popup_response_data": chosen}
        )

    @admin.display(description=gettext_lazy("link status"))
    def health(self, source: Source) -> str:
        """Return the result of the last link check, or "–" if this address was not checked yet."""
        link = getattr(source, "link_health", None)
        if link is None or link.address != source.url or not link.health:
            return "–"
        return str(link.get_health_display())

    # Derivation: suggested original sources, each with a button that sets it.

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """If a suggestion's button was pressed, save the form with that source as its original.

        The user stays on the page.
        """
        if original := parse_id(request.POST.get("_derive", "")):
            data = request.POST.copy()
            data.update({"_continue": "1"})
            data["derived_from"] = str(original)
            request.POST = data  # type: ignore[assignment]
        return super().changeform_view(request, *args, **kwargs)

    @admin.display(description=gettext_lazy("Possible original sources"))
    def origin_suggestions(self, source: Source | None) -> str:
        suggestions = suggest_origins(source) if source and source.pk else []
        if not suggestions:
            return "–"
        return format_html(
            '<ul class="suggestions">{}</ul>',
            format_html_join(
                "",
                '<li>{}: {} <button type="submit" name="_derive" value="{}" class="button"'
                ' aria-label="{}">{}</button></li>',
                (
                    (
                        _link(found.source, in_popup=False),
                        " ".join(found.reasons),
                        found.source.pk,
                        _("Mark as its source: %(source)s") % {"source": found.source},
                        _("Mark as its source"),
                    )
                    for found in suggestions
                ),
            ),
        )
