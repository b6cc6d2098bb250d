"""Key events: the events that editors chose for an entry of a list."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from allies.models.ally_list import AllyList, Entry
from allies.models.base import Record
from allies.models.event import Event


class KeyEventQuerySet(models.QuerySet["KeyEvent"]):
    def published(self) -> "KeyEventQuerySet":
        """Filter for public events of public entries."""
        return self.of_public_events().filter(entry__in=Entry.objects.published())

    def of_public_events(self) -> "KeyEventQuerySet":
        """Filter for public events, whether or not readers may see the entry."""
        return self.filter(Exists(Event.objects.published().filter(pk=OuterRef("event"))))

    def order_by_position(self) -> "KeyEventQuerySet":
        return self.order_by("entry", "position", "pk")


class KeyEvent(Record):
    """An event that a list entry shows, at the place that an editor gave it."""

    entry = models.ForeignKey(
        Entry, verbose_name=_("entry"), on_delete=models.CASCADE, related_name="key_events"
    )
    event = models.ForeignKey(
        Event, verbose_name=_("event"), on_delete=models.PROTECT, related_name="key_event_of"
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, validators=[MinValueValidator(1)]
    )

    objects = KeyEventQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("key event")
        verbose_name_plural = _("key events")
        ordering = ["entry", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "event"],
                name="keyevent_once",
                violation_error_message=_("This entry already shows this event."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.event)

    @property
    def publication_root(self) -> AllyList:
        return self.entry.ally_list
