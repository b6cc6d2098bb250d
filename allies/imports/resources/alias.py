"""Alternative names of countries and alliances as rows."""

from collections.abc import Mapping, Sequence

from allies.imports.resources.base import Identity, RecordResource, country, reference, text, word
from allies.models import NAMED, Alias, Alliance


class AliasResource(RecordResource):
    noun = "aliases"
    identities = tuple((named, "name") for named in NAMED)
    is_reference_target = True  # later rows may refer to the country by its alias
    export_order = ("country__slug", "alliance__slug", "name")

    country = country()
    alliance = reference("alliance", Alliance, "slug")
    name = text("name")
    language = word("language")

    class Meta:
        model = Alias
        fields = ("country", "alliance", "name", "language")

    def row_identities(self, values: Sequence[object], at: Mapping[str, int]) -> list[Identity]:
        """Return the identity as usual, but none if the row names no record or two."""
        return self.identities_of_one(NAMED, values, at)
