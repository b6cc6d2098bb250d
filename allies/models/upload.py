"""Files editors have uploaded to import, waiting to be applied."""

from django.conf import settings
from django.db import models


class Upload(models.Model):
    """A file as it came, kept out of reach of readers until it is applied or forgotten."""

    noun = models.CharField(max_length=20)
    file = models.FileField(upload_to="imports/%Y/%m/")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    uploaded_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    def discard(self) -> None:
        """Delete the record and its file."""
        self.file.delete(save=False)
        self.delete()
