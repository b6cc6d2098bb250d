"""Find the alliances that a file calls by a name instead of a slug or an ID."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Q

from allies.imports.plan import Plan
from allies.models import Alias, Alliance
from allies.text.normalize import normalize_text

#: Names per query on titles: each of them adds conditions to the statement.
_NAMES_PER_QUERY = 100

#: What the plan calls the names of alliances that this run creates or renames.
_SPEC = "names of alliances"


class AllianceNames:
    """Alliances by their names: those in the database, and those that this run will create."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def expect(self, alliance: Alliance, names: Iterable[str]) -> None:
        """Make names of an alliance known to later rows; it may be new or have new aliases."""
        self._plan.add_collected(
            (_SPEC, folded, alliance.slug) for name in names if (folded := normalize_text(name))
        )

    def find(self, texts: set[str]) -> dict[str, list[Alliance]]:
        """Return text → the alliances with this name or slug, whatever its case and accents.

        A text that no alliance has as a name is left out. Two queries, and one per
        ``_NAMES_PER_QUERY`` names.
        """
        folded = {text: name for text in texts if (name := normalize_text(text))}
        if not folded:
            return {}
        named = self._slugs(set(folded.values()))
        slugs = {text: {*named[name], text.lower()} for text, name in folded.items()}
        wanted = {slug for some in slugs.values() for slug in some}
        records = {one.slug: one for one in Alliance.objects.filter(slug__in=wanted)}
        for slug in wanted - records.keys():
            if expected := self._plan.expected("Alliance", slug):
                records[slug] = expected
        found = {
            text: [records[slug] for slug in sorted(some) if slug in records]
            for text, some in slugs.items()
        }
        return {text: alliances for text, alliances in found.items() if alliances}

    def _slugs(self, names: set[str]) -> dict[str, set[str]]:
        """Return name → the slugs of the alliances that it names."""
        found: dict[str, set[str]] = defaultdict(set)
        for name in names:
            found[name].update(self._plan.collected_values(_SPEC, name))
        for name, slug in self._stored_names(names):
            found[name].add(slug)
        return found

    def _stored_names(self, names: set[str]) -> Iterator[tuple[str, str]]:
        """Yield (name, slug) of the alliances in the database."""
        aliases = Alias.objects.filter(alliance__isnull=False, folded__in=names)
        yield from aliases.values_list("folded", "alliance__slug")
        ordered = sorted(names)
        for start in range(0, len(ordered), _NAMES_PER_QUERY):
            titled = Q(pk__in=[])
            for name in ordered[start : start + _NAMES_PER_QUERY]:
                titled |= Alliance.objects.has_own_name(name)
            for folded, slug in Alliance.objects.filter(titled).values_list("folded", "slug"):
                yield from ((name, slug) for name in folded.split("|") if name in names)
