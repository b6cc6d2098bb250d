"""Read the forms of a page like a browser: what each form would send, and where."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.apps import apps


@dataclass
class Form:
    """A form with method POST: its fields with their values, and its buttons."""

    action: str
    fields: dict = field(default_factory=dict)
    buttons: list = field(default_factory=list)
    required: dict = field(default_factory=dict)

    def data(self, **changed):
        """Return the data that the form sends with some fields changed; None omits a field."""
        data = {name: list(values) for name, values in self.fields.items()}
        data |= {name: value for name, value in changed.items() if value is not None}
        return {k: v for k, v in data.items() if k not in changed or changed[k] is not None}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self._form = [], None
        self._area = self._select = None

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        name = found.get("name")
        if tag == "form":
            is_post = found.get("method", "get").lower() == "post"
            self._form = Form(found.get("action") or "") if is_post else None
            self.forms += [self._form] if is_post else []
        form = self._form
        if form is None or "disabled" in found:
            return
        kind = found.get("type", "submit" if tag == "button" else "text")
        if tag in ("input", "button") and kind in ("submit", "image"):
            form.buttons.append((name, found.get("value", "")))
        elif tag == "input" and name and kind not in ("button", "reset"):
            if kind not in ("checkbox", "radio", "file") or "checked" in found:
                usual = "on" if kind in ("checkbox", "radio") else ""
                form.fields.setdefault(name, []).append(found.get("value", usual))
        elif tag == "textarea":
            self._area = form.fields.setdefault(name, [])
            self._area.append("")
        elif tag == "select":
            self._select = (name, found)
        elif tag == "option" and self._select:
            self._option(found)
        if "required" in found and name:
            form.required[name] = {"tag": tag, "kind": kind, **found}

    def _option(self, found):
        name, select = self._select
        self._value = found.get("value")
        select.setdefault("options", []).append(self._value)
        if "selected" in found and self._value is not None:
            self._form.fields.setdefault(name, []).append(self._value)

    def handle_data(self, text):
        if self._area is not None:
            self._area[-1] += text

    def handle_endtag(self, tag):
        if tag == "textarea" and self._area is not None:
            self._area[-1] = re.sub(r"^\r?\n", "", self._area[-1])
            self._area = None
        elif tag == "select" and self._select:
            name, select = self._select
            self._select = None
            if name in self._form.required:
                self._form.required[name] = {"tag": "select", **select}
            options = select.get("options", [])
            if options and "multiple" not in select and name not in self._form.fields:
                self._form.fields[name] = [options[0] or ""]
        elif tag == "form":
            self._form = None


def forms_of(page):
    """Return the forms of a page with method POST."""
    reader = _Reader()
    reader.feed(page if isinstance(page, str) else page.content.decode())
    return reader.forms


def main_form(page):
    """Return the form of a page that has the most fields."""
    return max(forms_of(page), key=lambda form: len(form.fields))


def filled(form):
    """Return the data of a form with a value in every required field, except files."""
    data = form.data()
    data |= {name: ["a-long-pass-phrase"] for name in ("password1", "password2") if name in data}
    for name, found in form.required.items():
        if any(data.get(name, [])) or found.get("kind") == "file":
            continue
        if found["tag"] == "select":
            chosen = next((value for value in found.get("options", []) if value), None)
            if chosen is None and "data-model-name" in found:
                model = apps.get_model(found["data-app-label"], found["data-model-name"])
                chosen = str(model._default_manager.order_by("pk").first().pk)
            data[name] = [chosen]
        elif "date" in name or name in ("joined", "signed"):
            data[name] = ["2024-05"]
        else:
            data[name] = ["walked"]
    return data
