"""Counter of writes to public content; the content version is computed from it."""

from django.db import models


class ContentChange(models.Model):
    """A number of writes. The sum of all rows is the content version (docs/adr/0022).

    Database triggers write it, in the transaction that writes the content, so it also counts
    writes outside Django. ``allies.db.content_version`` installs the triggers.
    """

    id = models.BigIntegerField(primary_key=True)
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.n} writes"
