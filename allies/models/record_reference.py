"""Base class of rows that name a record by model name and id.

Such a row never prevents the deletion of its record.
"""

from typing import Any, Self

from django.conf import settings
from django.db import models

from allies.models.registry import get_record


class RecordReferenceQuerySet(models.QuerySet[Any]):
    """Querysets of rows that refer to one record by model name and id."""

    def about(self, record: models.Model) -> Self:
        return self.filter(noun=record._meta.model_name, record_id=record.pk)


class RecordReference(models.Model):
    """Base class of rows that refer to one record by model name and id."""

    noun = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        abstract = True
        default_permissions = ()

    @property
    def record(self) -> Any:
        """The record it is about; None if it no longer exists. One query."""
        return get_record(self.noun, self.record_id)
