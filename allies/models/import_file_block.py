"""Files of running changesets that several servers share; see ``allies.imports.shared_files``."""

from django.db import models
from django.db.models.functions import Now

from allies.models.changeset import Changeset


class JobFile(models.Model):
    """A block of a file in a changeset's folder; ``stamp`` is new whenever the file is written."""

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    number = models.IntegerField()
    stamp = models.CharField(max_length=16)
    written_at = models.DateTimeField(db_default=Now())
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["changeset", "name", "number"], name="jobfile_once_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.changeset_id} {self.name} {self.number}"
