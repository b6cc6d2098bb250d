"""The methodology page: how we count, and the limitations of the data."""

from django.conf import settings
from django.utils import timezone
from django.views.generic import TemplateView

from allies.datapackage.describe import LICENCES
from allies.evidence.data_sets import used_data_sets


class MethodologyView(TemplateView):
    template_name = "allies/methodology.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        address, name = LICENCES.get(settings.DATA_LICENCE, ("", settings.DATA_LICENCE))
        return super().get_context_data(
            data_sets=used_data_sets(),
            licence=name,
            licence_url=address,
            here=self.request.build_absolute_uri(self.request.path),
            today=timezone.localdate(),
            **kwargs,
        )
