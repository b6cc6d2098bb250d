"""How pages say how they are cited."""

from typing import Any

from django import template

from allies.citable import Cited, cited

register = template.Library()


@register.inclusion_tag("allies/_cite.html", takes_context=True)
def cite(context: dict[str, Any], name: str, record: Any) -> dict[str, Any]:
    """Show how this very page is cited; ``name`` is what kind of page it is."""
    found: Cited = cited(context["request"], name, record)
    return {"cite": found, "edition": record if name == "edition" else None, "name": name}
