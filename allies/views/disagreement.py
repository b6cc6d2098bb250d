"""Disagreements between sources about memberships: who joined or left when, and who never did."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Greatest
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from allies.datapackage.metadata import EDTF_NOTE
from allies.evidence.disagreements import Difference, disagreements
from allies.feeds.atom import MAX_FEED_ENTRIES, FeedEntry
from allies.feeds.entries import FeedRow, RemovedRow, feed_key, single_step
from allies.filters import DisagreementFilterSet, PublicFilterSet
from allies.models import Alliance, Citation, Country, Source
from allies.models.country import country_order
from allies.models.translation import localized_expression
from allies.text.edtf import format_edtf
from allies.views.download_columns import COUNTRY_CODE, DownloadColumn, model_columns
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.citation import CitationQuerySet


def differences(row: Any) -> list[Difference]:
    """Return what a row of ``disagreements`` says differently."""
    met = (row.joined_differs, row.left_differs, row.only_in_one)
    return [kind for kind, is_met in zip(Difference, met, strict=True) if is_met]


class DisagreementListing(Listing):
    filterset_class = DisagreementFilterSet
    template_name = "allies/disagreement/list.html"
    is_withholding = False  # a comparison of single dates passes on no data set
    columns = (
        DownloadColumn(
            "alliance",
            lambda row: row.membership.alliance.slug,
            _("alliance"),
            _("The alliance’s slug."),
        ),
        *model_columns(Alliance, "title_en", "title_ind", of="membership.alliance"),
        DownloadColumn(
            "country", lambda row: row.membership.country.code, _("country"), COUNTRY_CODE
        ),
        *model_columns(Country, "name_en", "name_ind", of="membership.country"),
        DownloadColumn(
            "differences",
            lambda row: [kind.value for kind in differences(row)],
            _("differences"),
            _("What the source says differently."),
            choices=tuple(Difference.values),
            many=True,
        ),
        DownloadColumn(
            "joined", lambda row: row.membership.began, _("joined, in our data"), EDTF_NOTE
        ),
        DownloadColumn("left", lambda row: row.membership.ended, _("left, in our data"), EDTF_NOTE),
        DownloadColumn(
            "source", lambda row: row.source.key, _("source"), _("The source’s citation key.")
        ),
        *model_columns(Source, "publisher", of="source"),
        DownloadColumn(
            "source_joined", lambda row: row.joined, _("joined, says the source"), EDTF_NOTE
        ),
        DownloadColumn("source_left", lambda row: row.left, _("left, says the source"), EDTF_NOTE),
        *model_columns(Citation, "stance", "locator"),
    )

    def queryset(self) -> "CitationQuerySet":
        return disagreements().order_by(
            localized_expression("title", "membership__alliance__"),
            country_order("membership__country__"),
            "membership__joined_earliest",
            "source__key",
            "pk",
        )

    def title(self) -> Any:
        return _("Where sources disagree")

    def feed_rows(self, queryset: Any) -> Iterator[FeedRow]:
        """Yield the rows whose citation or membership changed last."""
        changed = queryset.annotate(changed=Greatest("updated_at", "membership__updated_at"))
        for row in changed.order_by("-changed", "-pk")[:MAX_FEED_ENTRIES]:
            yield FeedRow(
                feed_key(Citation, row.pk),
                row.created_at,
                f"{row.membership}: {row.source.publisher}",
                f"{row.membership.alliance.get_absolute_url()}#disagreements",
                single_step(row.changed),
                format_html_join("", "<p>{}</p>", ((text,) for text in _sentences(row))),
            )

    def feed_corrections(self, queryset: Any) -> Iterable[FeedEntry]:
        return ()

    def feed_removed(self, filterset: PublicFilterSet) -> Iterable[RemovedRow]:
        return ()


def _sentences(row: Any) -> Iterator[str]:
    """Yield what a source says differently, in words."""
    membership, source = row.membership, row.source
    says = {"source": str(source)}
    for kind in differences(row):
        if kind == Difference.JOINED:
            text = gettext("%(source)s: joined %(theirs)s. Our data: %(ours)s.")
            dates = {"theirs": format_edtf(row.joined), "ours": format_edtf(membership.began)}
        elif kind == Difference.LEFT:
            text = gettext("%(source)s: left %(theirs)s. Our data: %(ours)s.")
            ours = format_edtf(membership.ended) or gettext("still a member")
            dates = {"theirs": format_edtf(row.left), "ours": ours}
        else:
            text, dates = gettext("%(source)s: never a member."), {}
        yield text % {**says, **dates}
