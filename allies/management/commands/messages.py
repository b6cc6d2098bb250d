"""Extract, check and compile message catalogues without GNU gettext."""

import io
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

from config.file_permissions import public_umask

LOCALE = settings.BASE_DIR / "allies" / "locale"
ROOTS = ("allies", "config", "templates")

KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


class Command(BaseCommand):
    help = "Update the message catalogues from the code and compile them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail if a catalogue is incomplete"
        )
        parser.add_argument(
            "--compile", action="store_true", dest="compile_only", help="only compile"
        )

    def handle(self, *args: object, **options: object) -> None:
        with public_umask():  # source code and compiled catalogues are not private
            self._handle(options)

    def _handle(self, options: Mapping[str, object]) -> None:
        for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
            language = path.parts[-3]
            if options["compile_only"]:
                self._compile(path)
                continue
            wanted = messages_in_code()
            catalog = read(path)
            if options["check"]:
                if problems := list(incomplete(catalog, wanted)):
                    raise CommandError("\n".join([f"{language}: {path.name}:", *problems]))
            else:
                catalog.update(wanted, no_fuzzy_matching=True)
                catalog.obsolete.clear()
                write(path, catalog)
                self._compile(path)

    def _compile(self, path: Path) -> None:
        compiled = path.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime:
            with compiled.open("wb") as file:
                write_mo(file, read(path))


def read(path: Path) -> Catalog:
    """Return the catalogue in a .po file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def write(path: Path, catalog: Catalog) -> None:
    """Write a catalogue sorted and without dates or line numbers, so that diffs stay small."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, sort_output=True, no_location=True, omit_header=True, width=98)
    language = path.parts[-3]
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    )
    path.write_bytes(header.encode() + buffer.getvalue())


def messages_in_code() -> Catalog:
    """Return every message that code and templates mark for translation."""
    catalog = Catalog(charset="utf-8")
    for root in ROOTS:
        for path in sorted((settings.BASE_DIR / root).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                for _line, message, _comments, context in _extract(path):
                    catalog.add(message, context=context)
    return catalog


def _extract(path: Path) -> Iterator[Any]:
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        source = templatize(source)
    return extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS)


def incomplete(catalog: Catalog, wanted: Catalog) -> Iterator[str]:
    """Yield a line for each message that is missing, untranslated, fuzzy or broken."""
    for message in wanted:
        if not message.id:
            continue
        found = catalog.get(message.id, message.context)
        name = message.id if isinstance(message.id, str) else message.id[0]
        if found is None:
            yield f"missing: {name!r}"
        elif found.fuzzy or not found.string or not all(_forms(found)):
            yield f"untranslated: {name!r}"
        elif any(found.check(catalog)):
            yield f"placeholders differ: {name!r}"


def _forms(message: Any) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)
