"""How often what readers see was written: what the content's version is made of."""

from django.db import models


class ContentChange(models.Model):
    """A count of writes. The sum of all counts is the content's version (docs/adr/0022).

    The database's own triggers write it, in the transaction that writes the content, so it holds
    whoever writes and however: ``allies.db.content_version`` installs them.
    """

    id = models.BigIntegerField(primary_key=True)
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.n} writes"
