"""The “Cite this” box of pages."""

from django import template
from django.db.models import Model
from django.template import Context

from allies.citations.targets import PageCitation, get_page_citation

register = template.Library()


@register.inclusion_tag("allies/_cite_this.html", takes_context=True)
def cite_this(context: Context, name: str, record: Model) -> dict[str, object]:
    """Show how to cite this page; ``name`` is its key in CITATION_TARGETS."""
    found: PageCitation = get_page_citation(context["request"], name, record)
    return {"cite": found, "edition": record if name == "edition" else None, "name": name}
