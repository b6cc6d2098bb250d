"""The form that shows and changes a mapping: plain fields, one fieldset per record type."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from allies.imports.mapping import InvalidMapping
from allies.imports.mapping_suggestions import guess_spec, is_date, value_map
from allies.imports.resources import RESOURCES
from allies.imports.widgets import ChoiceWidget, ReferenceWidget
from allies.models import Country

#: Keys that the form can show. A spec with other keys is kept unchanged or replaced as a whole.
_SIMPLE = frozenset({"column", "constant", "text", "date", "nothing", "values", "order", "country"})


@dataclass
class MappingFormField:
    """One of our fields in the form, and where its values come from."""

    key: str
    name: str
    label: str
    help: str
    spec: Mapping[str, Any]
    is_date: bool
    is_country: bool
    choices: list[str]
    values: list[tuple[str, str]]

    @property
    def source(self) -> str:
        """The selected option: a column, or another kind of value."""
        if not self.spec:
            return ""
        if not _SIMPLE.issuperset(self.spec):
            return "=kept"
        if "constant" in self.spec:
            return "=constant"
        if "date" in self.spec:
            return "=date"
        return f"c:{self.spec['column']}" if "column" in self.spec else "=text"

    @property
    def text(self) -> str:
        return str(self.spec.get("constant", self.spec.get("text", "")))

    @property
    def parts(self) -> list[str]:
        """The columns of year, month and day."""
        return [*self.spec.get("date", []), "", "", ""][:3]

    @property
    def null_values(self) -> str:
        return ", ".join(self.spec.get("nothing", []))

    @property
    def orders(self) -> list[tuple[str, str]]:
        """The orders of day, month and year in numeric dates, each with an example."""
        return [("dmy", "31.12.2024"), ("mdy", "12/31/2024"), ("ymd", "2024/12/31")]

    @property
    def kept(self) -> str:
        return json.dumps(self.spec, ensure_ascii=False)

    @property
    def is_open(self) -> bool:
        """Whether any option besides the column is set."""
        decided = ("nothing", "order", "date", "values")
        return any(name in self.spec for name in decided)


@dataclass
class MappingFormRecord:
    """A record type in the form."""

    index: int
    noun: str
    label: str
    rows: list[MappingFormField]
    when: str
    when_is: str
    only_new: list[str]


#: The most column options on one page: about 80 fields with 500 columns each.
MAX_CHOICES = 40_000


def has_too_many_choices(nouns: list[MappingFormRecord], columns: list[str]) -> bool:
    """Return whether the form would be too large to show; each field offers every column."""
    lists = sum(4 if row.is_date else 1 for noun in nouns for row in noun.rows) + len(nouns)
    return lists * len(columns) > MAX_CHOICES


def build_form(data: Mapping[str, Any], words: Mapping[str, list[str]]) -> list[MappingFormRecord]:
    """Return the form of a mapping; ``words`` are the values in each column of the file."""
    return [_build_record(index, part, words) for index, part in enumerate(data.get("nouns", []))]


def _build_record(
    index: int, part: Mapping[str, Any], words: Mapping[str, list[str]]
) -> MappingFormRecord:
    noun = part["noun"]
    resource = RESOURCES[noun]()
    model: Any = resource.model
    rows = []
    for field in resource.get_import_fields():
        name = field.column_name
        spec = part["fields"].get(name, {})
        widget = field.widget
        choices = widget.choices if isinstance(widget, ChoiceWidget) else []
        own = words.get(spec.get("column", ""), []) if choices and "values" in spec else []
        rows.append(
            MappingFormField(
                key=f"{index}-{name}",
                name=name,
                label=str(model._meta.get_field(field.attribute).verbose_name),
                help=str(model._meta.get_field(field.attribute).help_text),
                spec=spec,
                is_date=is_date(noun, name),
                is_country=isinstance(widget, ReferenceWidget) and widget.model is Country,
                choices=choices,
                values=[*value_map(noun, name, spec.get("values", {}), own).items()],
            )
        )
    when = part.get("when") or {}
    return MappingFormRecord(
        index,
        noun,
        str(model._meta.verbose_name_plural),
        rows,
        when.get("column", ""),
        ", ".join(when.get("is", [])),
        list(part.get("only_new", [])),
    )


def parse_form(
    data: Mapping[str, Any], post: QueryDict, words: Mapping[str, list[str]]
) -> dict[str, object]:
    """Return the mapping in a posted form; raise InvalidMapping if it cannot be read."""
    nouns = []
    for index, part in enumerate(data.get("nouns", [])):
        if f"{index}-remove" in post:
            continue
        nouns.append(_parse_record(index, part, post, words))
    if (added := post.get("add-noun", "")) in RESOURCES:
        nouns.append({"noun": added, "fields": {}})
    return {**data, "name": post.get("name", "").strip(), "nouns": nouns}


def _parse_record(
    index: int, part: Mapping[str, Any], post: QueryDict, words: Mapping[str, list[str]]
) -> dict[str, object]:
    noun = part["noun"]
    fields = {}
    for field in RESOURCES[noun]().get_import_fields():
        name = field.column_name
        spec = _parse_spec(noun, name, f"{index}-{name}", part["fields"].get(name, {}), post, words)
        if spec:
            fields[name] = spec
    read: dict[str, object] = {"noun": noun, "fields": fields, **_kept_rules(part, set(fields))}
    if column := post.get(f"{index}-when", ""):
        accepted = _words(post.get(f"{index}-when-is", ""))
        read["when"] = {"column": column, **({"is": accepted} if accepted else {})}
    if only_new := [name for name in post.getlist(f"{index}-only-new") if name in fields]:
        read["only_new"] = only_new
    earlier = part.get("replaces", [])
    if replaces := [values for values in earlier if fields.keys() >= values.keys()]:
        read["replaces"] = replaces
    return read


def _kept_rules(part: Mapping[str, Any], fields: set[str]) -> dict[str, object]:
    """Return the rules of a record type that the form does not show, if their fields are left."""
    shown = ("noun", "fields", "when", "only_new", "replaces", "same")
    kept = {key: rule for key, rule in part.items() if key not in shown}
    named = ("equal", "compatible", "overlaps")
    same = [
        rule
        for rule in part.get("same", [])
        if fields.issuperset(name for key in named for name in rule.get(key, []))
    ]
    return {**kept, "same": same} if same else kept


def _parse_spec(
    noun: str,
    name: str,
    key: str,
    before: Mapping[str, object],
    post: QueryDict,
    words: Mapping[str, list[str]],
) -> dict[str, object]:
    source = post.get(f"{key}-from", "")
    if source == "=kept":
        return dict(before)
    if source == "=constant":
        return {"constant": post.get(f"{key}-text", "")}
    if source == "=text":
        return {"text": post.get(f"{key}-text", "")}
    spec: Mapping[str, object]
    if source == "=date":
        parts = [post.get(f"{key}-{part}", "") for part in ("year", "month", "day")]
        while parts and not parts[-1]:
            parts.pop()
        if not parts or not all(parts):
            raise InvalidMapping(
                _("%(field)s: choose at least the column for the year.") % {"field": name}
            )
        spec = {"date": parts}
    elif source.startswith("c:"):
        column = source.removeprefix("c:")
        if column != before.get("column"):  # if the column changes, its values are suggested again
            return guess_spec(noun, name, column, words.get(column, []))
        spec = {"column": column}
    else:
        return {}
    if nothing := _words(post.get(f"{key}-nothing", "")):
        spec["nothing"] = nothing
    if order := post.get(f"{key}-order", ""):
        spec["order"] = order
    if country := post.get(f"{key}-country", ""):
        spec["country"] = country
    theirs, ours = post.getlist(f"{key}-their"), post.getlist(f"{key}-our")
    if theirs:
        spec["values"] = dict(zip(theirs, ours, strict=False))
    return spec


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]
