"""The public log of corrections as an Atom feed."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from allies.datapackage.metadata import last_public_change_time
from allies.feeds.atom import MAX_FEED_ENTRIES, strip_invalid_xml
from allies.feeds.entries import correction_html
from allies.history.public_changesets import corrections_with_changes
from allies.models import Correction

if TYPE_CHECKING:
    from allies.history.public_steps import ChangeSentence


class _Atom(Atom1Feed):
    """An Atom feed with a stable date while it is empty; Django would use the current time."""

    def latest_post_date(self) -> dt.datetime:
        if not self.items and (changed := last_public_change_time()):
            return changed
        return super().latest_post_date()


class CorrectionFeed(Feed):
    """The newest published corrections."""

    feed_type = _Atom

    def title(self) -> str:
        return f"{settings.SITE_NAME}: {_('Corrections')}"

    def subtitle(self) -> str:
        return _("Errors that readers reported and we corrected.")

    def link(self) -> str:
        return reverse("allies:correction-list")

    def feed_url(self) -> str:
        return reverse("allies:correction-feed")

    def author_name(self) -> str:
        return str(settings.SITE_NAME)

    def items(self) -> "list[tuple[Correction, list[ChangeSentence]]]":
        published = Correction.objects.all().published().newest_first()
        return corrections_with_changes(published[:MAX_FEED_ENTRIES])

    def item_title(self, item: "tuple[Correction, list[ChangeSentence]]") -> str:
        return strip_invalid_xml(str(item[0].record))

    def item_description(self, item: "tuple[Correction, list[ChangeSentence]]") -> str:
        return strip_invalid_xml(correction_html(*item))

    def item_link(self, item: Any) -> str:
        return str(item[0].record.get_absolute_url())

    def item_guid(self, item: "tuple[Correction, list[ChangeSentence]]") -> str:
        # Unique among sites, and unchanged if the record is renamed.
        name = f"{settings.SITE_NAME} {item[0].pk} {item[0].created_at.isoformat()}"
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{get_language()} {name}").urn

    def item_pubdate(self, item: Any) -> dt.datetime:
        return item[0].decided_at  # type: ignore[no-any-return]

    def item_updateddate(self, item: Any) -> dt.datetime:
        return item[0].decided_at  # type: ignore[no-any-return]
