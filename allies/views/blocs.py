"""The map of blocs: the members of up to four alliances or organisations on a day."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from allies.charts.bloc_map import BlocLabel, BlocMember, build_bloc_map
from allies.filters import DayField, unknown_parameter_names
from allies.filters.base import MAX_VALUE_LENGTH
from allies.models import Alliance, Standing
from allies.text.bidi import isolate
from allies.text.name_lists import list_in_words
from allies.ties.blocs import MemberOfBlocs, largest_alliances, members_of_blocs

#: The query parameters with the alliances; their number is the maximum.
PLACES = ("first", "second", "third", "fourth")

#: Number of alliances shown if the reader chooses none.
SHOWN_AT_FIRST = 3

#: The pattern of countries in several of the alliances.
SEVERAL = "several"


class AllianceField(forms.CharField):
    """A published alliance by its name, an alternative name, its slug or a code, as typed."""

    default_error_messages = {
        "unknown": _("No alliance has this name."),
        "ambiguous": _("More than one alliance has this name: %(names)s."),
    }

    def clean(self, value: object) -> Alliance | None:
        """Return the Alliance; None for an empty text. Raise ValidationError. One query."""
        text = super().clean(value)
        if not text:
            return None
        found = list(Alliance.objects.published().exact_name(text)[:5])
        # A slug is exact, even if another alliance has it as a name.
        found = [one for one in found if one.slug == text] or found
        if len(found) == 1:
            return found[0]
        code = "ambiguous" if found else "unknown"
        names = {"names": ", ".join(f"{one.title} ({one.slug})" for one in found)}
        raise ValidationError(self.error_messages[code], code=code, params=names)


def _alliance(label: Any) -> AllianceField:
    widget = forms.TextInput(attrs={"data-suggest": "alliance", "type": "search"})
    return AllianceField(label=label, max_length=MAX_VALUE_LENGTH, widget=widget, required=False)


class BlocsForm(forms.Form):
    """Up to four different alliances, and a day."""

    use_required_attribute = False

    first = _alliance(_("First alliance"))
    second = _alliance(_("Second alliance"))
    third = _alliance(_("Third alliance"))
    fourth = _alliance(_("Fourth alliance"))
    on = DayField(label=_("Date"), required=False)

    @property
    def alliances(self) -> list[Alliance]:
        """The alliances of a valid form, in their order, each once."""
        chosen = [self.cleaned_data[name] for name in PLACES if self.cleaned_data[name]]
        return list(dict.fromkeys(chosen))


class BlocRow(NamedTuple):
    """A row of the table: a country and, per alliance, (title, its standing in words or "")."""

    member: MemberOfBlocs
    cells: list[tuple[str, str]]


class BlocMapView(View):
    """The map and the table. Without alliances, it shows the largest ones."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return the page; with status 400 if an alliance or the day is unknown."""
        form = BlocsForm(request.GET)
        context: dict[str, Any] = {
            "form": form,
            "valid": form.is_valid(),
            "unknown": unknown_parameter_names(request.GET, form.fields),
        }
        if not form.is_valid():
            return render(request, "allies/blocs.html", context, status=400)
        day = form.cleaned_data["on"] or timezone.localdate()
        is_chosen = bool(form.alliances)
        alliances = form.alliances or largest_alliances(day, SHOWN_AT_FIRST)
        context |= {
            "is_chosen": is_chosen,
            "page_query": {
                name: request.GET[name] for name in sorted(form.fields) if request.GET.get(name)
            },
            **build_context(alliances, day),
        }
        return render(request, "allies/blocs.html", context)


def build_context(alliances: Sequence[Alliance], day: dt.date) -> dict[str, Any]:
    """Return the map and the table of these alliances; one query."""
    members = members_of_blocs(alliances, day) if alliances else []
    titles = {alliance.pk: str(alliance.title) for alliance in alliances}
    patterns = {alliance.pk: f"bloc-{number}" for number, alliance in enumerate(alliances, 1)}
    on = "" if day == timezone.localdate() else f"?on={day.isoformat()}"
    shown = [
        BlocMember(
            country=member.country,
            pattern=patterns[member.shown[0]] if len(member.shown) == 1 else SEVERAL,
            detail=", ".join(isolate(titles[pk]) for pk in member.shown),
            url=f"{member.country.get_absolute_url()}{on}",
            is_confirmed=bool(member.confirmed),
        )
        for member in members
    ]
    numbers = {one.pk: sum(one.pk in member.confirmed for member in members) for one in alliances}
    labels = [
        BlocLabel(patterns[one.pk], titles[one.pk], one.get_absolute_url(), numbers[one.pk])
        for one in alliances
    ]
    if several := [member for member in shown if member.pattern == SEVERAL]:
        number = sum(member.is_confirmed for member in several)
        labels.append(BlocLabel(SEVERAL, gettext("in several of these"), "", number))
    names = list_in_words([isolate(title) for title in titles.values()])
    return {
        "day": day,
        "alliances": [(one, numbers[one.pk]) for one in alliances],
        "rows": [BlocRow(member, _cells(member, alliances)) for member in members],
        "map": build_bloc_map(
            shown,
            labels,
            title=gettext("Map: members of %(names)s on %(day)s")
            % {"names": names, "day": date_format(day, "j F Y")},
            description=gettext(
                "Each alliance has its own pattern. The table on this page shows the same data."
            ),
        ),
    }


def _cells(member: MemberOfBlocs, alliances: Sequence[Alliance]) -> list[tuple[str, str]]:
    return [(str(one.title), _in_words(member.standings.get(one.pk))) for one in alliances]


def _in_words(standing: Standing | None) -> str:
    if standing is None:
        return ""
    return gettext("member") if standing == Standing.CONFIRMED else str(standing.label)
