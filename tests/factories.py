"""Create records for tests through the models, as an editor would."""

from itertools import count

from allies.models import (
    Alias,
    Alliance,
    AllyList,
    Citation,
    Country,
    Entry,
    Event,
    Membership,
    Participation,
    Source,
    Status,
)

_numbers = count(1)


def country(alpha3):
    return Country.objects.get(alpha3=alpha3)


def source(status=Status.PUBLISHED, **given):
    number = next(_numbers)
    fields = {"key": f"source-{number}", "publisher": "The Gazette", "title": f"Report {number}"}
    return Source.objects.create(status=status, **{**fields, **given})


def cite(record, by=None, **given):
    return Citation.objects.create(
        source=by or source(), **{record._meta.model_name: record}, **given
    )


def alliance(*codes, status=Status.PUBLISHED, cited=True, **given):
    number = next(_numbers)
    fields = {"kind": "defence-pact", "title_en": f"Pact {number}", "title_ind": f"Pakta {number}"}
    record = Alliance.objects.create(status=status, **{**fields, **given})
    for code in codes:
        Membership.objects.create(alliance=record, country=country(code))
    if cited:
        cite(record)
    return record


def event(*parts, status=Status.PUBLISHED, cited=True, **given):
    number = next(_numbers)
    fields = {"kind": "visit", "title_en": f"Visit {number}", "date": "2024-05"}
    record = Event.objects.create(status=status, **{**fields, **given})
    for code, role in parts:
        Participation.objects.create(event=record, country=country(code), role=role)
    if cited:
        cite(record)
    return record


def ally_list(focus, *codes, status=Status.PUBLISHED, cited=True, **given):
    number = next(_numbers)
    fields = {"title_en": f"List {number}", "focus": country(focus)}
    record = AllyList.objects.create(status=status, **{**fields, **given})
    for position, code in enumerate(codes, start=1):
        entry = Entry.objects.create(ally_list=record, country=country(code), position=position)
        if cited:
            cite(entry)
    return record


def alias(record, name, language=""):
    return Alias.objects.create(**{record._meta.model_name: record}, name=name, language=language)
