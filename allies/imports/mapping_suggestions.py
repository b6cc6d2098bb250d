"""Suggest a mapping for a file from its column names and the words in its columns."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from django.utils import translation

from allies.imports.mapping import FileMapping, InvalidMapping, identity_mapping
from allies.imports.mappings import built_in_mappings
from allies.imports.resources import RESOURCES
from allies.imports.tables.table import WORDS
from allies.imports.widgets import ChoiceWidget, ReferenceWidget
from allies.models import Country
from allies.models import Mapping as SavedMapping
from allies.models.fields import EDTFField
from allies.models.translation import SUFFIXES
from allies.text.normalize import normalize_text


class DescribedTable(Protocol):
    """What a suggestion needs of a table: its columns, and the first distinct words of each."""

    @property
    def columns(self) -> list[str]: ...

    @property
    def words(self) -> dict[str, list[str]]: ...


#: Names that files use for our columns, in both languages and normalised. The first match wins.
SYNONYMS: dict[str, str] = {
    "alpha3": "alpha 3|iso3|iso alpha 3|iso 3166 3|iso3166 1 alpha 3|iso a3|country code iso3",
    "alpha2": "alpha 2|iso2|iso alpha 2|iso 3166 2|iso3166 1 alpha 2|iso a2",
    "m49": "country code|m49 code|un code|numeric|iso numeric|iso3166 1 numeric|kode m49",
    "cow_code": "ccode|cow|cow code|cowcode|cow id",
    "name_en": "name|name en|country name|country|english name|official name en|statenme|state name"
    "|cldr display name",
    "name_ind": "nama|name id|nama negara|negara|name ind",
    "region": "region code|kode wilayah",
    "subregion": "sub region code|subregion code|intermediate region code",
    "began": "began|from|start|begin|styear|dari|mulai",
    "existed_from": "from|start|begin|styear|dari|mulai",
    "existed_to": "to|end|until|endyear|sampai|hingga",
    "country": "country|negara|state|nation|member|country name|state name|name en|name|ccode|iso3"
    "|iso 3166 3|alpha 3|iso2|iso 3166 2|alpha 2|country code|member state|negara anggota|party",
    "focus": "focus|country|negara",
    "alliance": "alliance|aliansi|pact|treaty|organisation|organization|organisasi|org id|igo"
    "|agreement|version4id|alliance id|org name",
    "event": "event|peristiwa|rcid|vote|event id|roll call|resolution",
    "source": "source|sumber|citation key|key|reference",
    "ally_list": "ally list|list|daftar",
    "entry": "entry|entri",
    "identifier": "id|identifier|code|data set id|outside id|org id|number|nomor|rcid|version4id",
    "slug": "slug|address|alamat",
    "title_en": "title|title en|name|heading|short|org name|english title",
    "title_ind": "judul|title id|nama|judul indonesia",
    "title": "title|judul|headline|name",
    "publisher": "publisher|penerbit|outlet|media|organisation|organization",
    "author": "author|penulis|byline|by|oleh",
    "credit": "credit|credits|kredit|melansir|dikutip dari",
    "url": "url|link|address|tautan|web",
    "archive_url": "archive|archive url|archived|arsip",
    "date_published": "date published|published|date|tanggal|tanggal terbit|publication date",
    "language": "language|lang|bahasa",
    "derived_from": "derived from|republished from|disadur dari",
    "kind": "kind|type|jenis|category|kategori|ss type",
    "certainty": "certainty|kepastian|confidence",
    "date": "date|tanggal|day|when|year|tahun",
    "signed": "signed|signature date|ditandatangani",
    "in_force": "in force|entry into force|start|begin|effect|berlaku",
    "ended": "ended|end|until|terminated|berakhir",
    "joined": "joined|since|accession|from|start|date joined|bergabung|sejak",
    "left": "left|until|to|end|withdrawal|keluar|date left",
    "role": "role|peran|vote|status|org member|membership",
    "defence": "defence|defense|pertahanan",
    "neutrality": "neutrality|netralitas",
    "non_aggression": "non aggression|nonaggression|nonagresi",
    "consultation": "consultation|entente|konsultasi",
    "place_en": "place|location|city|place en",
    "place_ind": "tempat|lokasi|kota",
    "summary_en": "summary|description|descr|text|abstract",
    "summary_ind": "ringkasan|deskripsi|keterangan",
    "name": "alias|name|nama",
    "stance": "stance|sikap",
    "locator": "locator|page|halaman|where in it",
    "quote": "quote|kutipan",
    "position": "position|rank|order|no|nomor|urutan",
}

#: A date of digits with the year last: day and month could be in either order.
_DIGITS = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{4}", re.ASCII)


def suggest_mapping(noun: str, table: DescribedTable) -> dict[str, object]:
    """Return the mapping that most likely fits a table.

    It is the identity mapping if all columns are ours, otherwise the best known mapping, otherwise
    one guessed from the names of the columns.
    """
    own = RESOURCES[noun]().columns
    if set(table.columns) - {"reason"} <= set(own):
        return identity_mapping(noun, [name for name in table.columns if name in own])
    known = _best_known_mapping(noun, table.columns)
    return known or {"name": "", "nouns": [map_by_names(noun, table)]}


def _best_known_mapping(noun: str, columns: Sequence[str]) -> dict[str, object] | None:
    """Return the saved or built-in mapping that uses most of these columns, or None."""
    fitting = []
    saved = SavedMapping.objects.order_by("-saved_at").values_list("mapping", flat=True)
    for data in [*saved, *built_in_mappings().values()]:
        try:
            mapping = FileMapping(data)
        except InvalidMapping:
            continue  # saved before fields were renamed
        nouns = {part["noun"] for part in mapping.nouns}
        if noun in nouns and not mapping.missing(columns):
            fitting.append((len(mapping.columns), data))
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def map_by_names(noun: str, table: DescribedTable) -> dict[str, object]:
    """Guess the mapping of a record type from the names of the columns and the words in them."""
    folded = {normalize_text(name): name for name in reversed(table.columns)}
    words = table.words
    fields: dict[str, object] = {}
    used: set[str] = set()
    for field in RESOURCES[noun]().get_import_fields():
        ours = field.column_name
        if ours == "status":  # seldom our statuses; and nothing may be published by accident
            continue
        for candidate in (normalize_text(ours), *filter(None, SYNONYMS.get(ours, "").split("|"))):
            theirs = folded.get(candidate)
            if theirs and theirs not in used:
                used.add(theirs)
                fields[ours] = guess_spec(noun, ours, theirs, words.get(theirs, []))
                break
    return {"noun": noun, "fields": fields}


def guess_spec(noun: str, ours: str, theirs: str, words: Iterable[str]) -> dict[str, object]:
    """Return the spec of a column that feeds a field, with guesses at what its words mean."""
    field = RESOURCES[noun]().fields[ours]
    spec: dict[str, object] = {"column": theirs}
    words = list(words)
    if isinstance(field.widget, ChoiceWidget):
        if any(word not in field.widget.choices for word in words) and len(words) < WORDS:
            spec["values"] = {word: guess_choice(noun, ours, word) for word in words}
    elif isinstance(field.widget, ReferenceWidget) and field.widget.model is Country:
        spec["country"] = _code_system(words)
    elif is_date(noun, ours):
        if nothing := [word for word in words if word in ("-9", "0", "3000", "-0-")]:
            spec["nothing"] = nothing
        if order := _guess_date_order(words):
            spec["order"] = order
    return spec


def _guess_date_order(words: Iterable[str]) -> str:
    """Return "dmy" or "mdy" if a number above 12 shows which it is, otherwise ""."""
    dates = [match.groups() for word in words if (match := _DIGITS.fullmatch(word))]
    days_first = any(int(first) > 12 for first, _second in dates)
    months_first = any(int(second) > 12 for _first, second in dates)
    if days_first == months_first:
        return ""
    return "dmy" if days_first else "mdy"


def is_date(noun: str, ours: str) -> bool:
    """Return whether a field holds an EDTF date."""
    model = RESOURCES[noun]._meta.model
    return isinstance(model._meta.get_field(RESOURCES[noun]().fields[ours].attribute), EDTFField)


def guess_choice(noun: str, ours: str, word: str) -> str:
    """Return the choice with this stored word, or with this label in any language; else ""."""
    field = RESOURCES[noun]._meta.model._meta.get_field(ours)
    folded = normalize_text(word)
    for value, label in field.flatchoices:
        names = {normalize_text(str(value))}
        for language in SUFFIXES:
            with translation.override(language):
                names.add(normalize_text(str(label)))
        if folded in names:
            return str(value)
    return ""


def _code_system(words: list[str]) -> str:
    """Return the numeric code system that most of these words belong to, or "any"."""
    if not words:
        return "any"
    if all(word.isdecimal() for word in words):
        numbers = {word.lstrip("0") for word in words}
        countries = list(Country.objects.values_list("m49", "cow_code"))
        m49 = len(numbers & {code.lstrip("0") for code, _cow in countries if code})
        cow = len(numbers & {str(code) for _m49, code in countries if code is not None})
        return "m49" if m49 > cow or any(word.startswith("0") for word in words) else "cow"
    return "any"


def value_map(
    noun: str, ours: str, known: Mapping[str, str], words: Iterable[str]
) -> dict[str, str]:
    """Return the value map of a field: guesses for the words, replaced by those already decided."""
    return {**{word: guess_choice(noun, ours, word) for word in words}, **known}
