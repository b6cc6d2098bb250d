"""Merging in the admin: find the other record, then choose a value for each field that differs."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from allies.actions.merge import (
    DROP,
    KEEP,
    can_merge,
    count_ending,
    count_references,
    fields_to_choose,
    merge_records,
)
from allies.admin.mixins import FormContextMixin
from allies.admin.save_or_propose import load_signed_snapshot, sign_snapshot
from allies.editorial.deletion_preview import REFERENCE_MODELS
from allies.history.snapshots import RecordChange, row_content, snapshot_key, take_snapshot
from allies.history.steps import RecordLabels, ShownField, change_fields
from allies.models import Record, url_field

#: The most candidates to show.
MAX_CANDIDATES = 20

#: Prefix of the name of a radio button; the name of the field follows.
FIELD_PREFIX = "field-"


class MergeMixin(FormContextMixin):
    """The page on which a record is merged with another."""

    def get_urls(self) -> list[URLPattern]:
        name = f"allies_{self.model._meta.model_name}_merge"
        view = self.admin_site.admin_view(self.merge_view)
        return [path("<path:object_id>/merge/", view, name=name), *super().get_urls()]

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None:
            context["may_merge"] = can_merge(user=request.user, record=record)
        return context

    def merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Find the other record, show both side by side, and merge them."""
        keep = self._mergeable(request, object_id)
        other = request.POST.get("other", request.GET.get("other", ""))
        drop = self._mergeable(request, other) if other else None
        if drop == keep:
            raise Http404
        if request.method == "POST":
            if drop is None:
                raise Http404
            if merged := self._handle_merge(request, keep, drop):
                return merged
        context = {
            **self.admin_site.each_context(request),
            "title": _("Merge “%(record)s” with another record") % {"record": keep},
            "opts": self.model._meta,
            "original": keep,
            "keep": keep,
            "address_of_keep": getattr(keep, url_field(self.model)),
        }
        if drop is None:
            context |= self._find_candidates(request, keep)
        else:
            context |= _comparison_context(request, keep, drop)
        return TemplateResponse(request, "admin/allies/merge.html", context)

    def _mergeable(self, request: HttpRequest, object_id: str) -> Any:
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        if not can_merge(user=request.user, record=record):
            raise PermissionDenied
        return record

    def _find_candidates(self, request: HttpRequest, keep: Model) -> dict[str, object]:
        """Return the query and the records that match it: first by address, then by text."""
        query = request.GET.get("q", "").strip()
        if not query:
            return {"query": "", "found": []}
        field = url_field(self.model)
        records = self.model._default_manager.exclude(pk=keep.pk)
        exact = list(records.filter(**{field: query}))
        likely, _distinct = self.get_search_results(request, records, query)
        others = likely.exclude(pk__in=[record.pk for record in exact]).order_by(field)
        found = [*exact, *others[: MAX_CANDIDATES - len(exact)]]
        return {"query": query, "found": [(one, getattr(one, field)) for one in found]}

    def _handle_merge(self, request: HttpRequest, keep: Any, drop: Any) -> HttpResponse | None:
        """Merge and redirect to the remaining record; return None if the merge was refused."""
        chosen = {
            field.name: request.POST.get(f"{FIELD_PREFIX}{field.name}", KEEP)
            for field in fields_to_choose(self.model)
        }
        try:
            with transaction.atomic():
                for name, record in (("_opened", keep), ("_opened_other", drop)):
                    now = take_snapshot(record, lock=True)
                    if (load_signed_snapshot(request.POST.get(name, ""), record) or now) != now:
                        raise ValidationError(
                            _("Someone else changed “%(record)s”. Check both records again.")
                            % {"record": record}
                        )
                merge_records(
                    keep=keep,
                    drop=drop,
                    chosen=chosen,
                    user=request.user,
                    reason=request.POST.get("_reason", ""),
                    public_note=request.POST.get("_public_note", ""),
                )
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
            keep.refresh_from_db()
            return None
        messages.success(
            request, _("Merged. Links to “%(record)s” now lead here.") % {"record": drop}
        )
        address = f"admin:allies_{self.model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(address, args=[keep.pk]))


def _comparison_context(request: HttpRequest, keep: Record, drop: Any) -> dict[str, object]:
    """Return the context of the page on which values are chosen."""
    return {
        "drop": drop,
        "address_of_drop": getattr(drop, url_field(type(drop))),
        "choices": _choices(request, keep, drop),
        "moves": [
            (number, model._meta.verbose_name if number == 1 else model._meta.verbose_name_plural)
            for model, number in count_references(drop)
        ],
        "ends": [
            (REFERENCE_MODELS[model][0], number)
            for model, found in count_ending(drop).items()
            if (number := found.count())
        ],
        "opened": sign_snapshot(keep, take_snapshot(keep)),
        "opened_other": sign_snapshot(drop, take_snapshot(drop)),
        "reason": request.POST.get("_reason", ""),
        "public_note": request.POST.get("_public_note", ""),
    }


def _choices(request: HttpRequest, keep: Model, drop: Model) -> list[ShownField]:
    """Return each field that differs, with both values as shown and the chosen one.

    If only the other record has a value, that value is the default.
    """
    ours, theirs = (row_content(type(keep), _columns(record)) for record in (keep, drop))
    fields = {
        field.name: [ours[field.name], theirs[field.name]]
        for field in fields_to_choose(type(keep))
        if ours[field.name] != theirs[field.name]
    }
    change: RecordChange = {"key": snapshot_key(keep), "what": "changed", "fields": fields}
    shown = change_fields(change, RecordLabels([change]))
    for choice in shown:
        lacking = ours[choice["name"]] in (None, "")
        usual = DROP if lacking else KEEP
        choice["chosen"] = request.POST.get(f"{FIELD_PREFIX}{choice['name']}", usual)
    return shown


def _columns(record: Model) -> dict[str, object]:
    return {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}
