"""History for users who may not see sources that are not public."""

from functools import cached_property

from allies.citations.redaction import CitationRedactor
from allies.history.snapshots import RecordChange, model_of_key
from allies.history.steps import RecordLabels, parse_id
from allies.models import Source
from allies.models.fields import prose_fields


class HiddenSourceFilter:
    """Removes citations of sources that are not published, and their marks in texts.

    A change to a citation that was deleted later is removed if it does not say which source it
    names. Two queries for any number of changes.
    """

    def __init__(self, names: RecordLabels) -> None:
        self._names = names
        self._redact = CitationRedactor()

    def __call__(self, changes: list[RecordChange]) -> list[RecordChange]:
        return [kept for change in changes if (kept := self._visible_part(change))]

    @cached_property
    def _published(self) -> set[int]:
        return set(Source.objects.published().values_list("pk", flat=True))

    def _visible_part(self, change: RecordChange) -> RecordChange | None:
        model = model_of_key(change["key"])
        linked = [
            field.name for field in model._meta.concrete_fields if field.related_model is Source
        ]
        if linked and model is not Source:
            record = self._names.label(model, change["key"].partition("-")[2])
            named = [getattr(record, f"{name}_id") for name in linked] if record else []
            named += [parse_id(v) for name in linked for v in change["fields"].get(name, []) if v]
            if not named or not self._published.issuperset(named):
                return None
        texts = {field.name for field in prose_fields(model)}
        fields = {
            name: [self._redact(text or "") for text in values] if name in texts else values
            for name, values in change["fields"].items()
        }
        if change["what"] == "changed":
            fields = {name: values for name, values in fields.items() if values[0] != values[1]}
        return {**change, "fields": fields} if fields else None
