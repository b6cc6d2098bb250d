"""The forms to upload a file, and to say which format it has."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.admin.changesets.counts import model_label
from allies.imports.tables import FileFormat

ENCODINGS = (
    ("utf-8-sig", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("utf-16-le", "UTF-16 LE"),
    ("utf-16-be", "UTF-16 BE"),
    ("cp1252", "Windows-1252"),
    ("mac_roman", "Mac Roman"),
)
DELIMITERS = (
    (",", gettext_lazy("comma")),
    (";", gettext_lazy("semicolon")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("vertical bar")),
)


class UploadForm(forms.Form):
    """A file, the record type in it, and the reason for the import."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV, TSV or XLSX; it may be gzipped. The format is detected, and you can correct it."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.gz"}),
    )
    noun = forms.ChoiceField(label=gettext_lazy("Record type"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy(
            "Stored with the changes. Readers see it if the import is listed publicly."
        ),
    )

    def __init__(self, nouns: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        noun = self.fields["noun"]
        assert isinstance(noun, forms.ChoiceField)
        noun.choices = [(name, model_label(name)) for name in nouns]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            raise ValidationError(
                _("The file is %(size)d MB; the limit is %(limit)d MB.")
                % {"size": file.size >> 20, "limit": settings.IMPORT_MAX_BYTES >> 20}
            )
        return file


class FileFormatForm(forms.Form):
    """The format of a file, as detected or as corrected by the editor."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Cells are separated by"), choices=DELIMITERS, required=False
    )
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    header_row = forms.IntegerField(
        label=gettext_lazy("Row with the column names"),
        min_value=0,
        max_value=1000,
        help_text=gettext_lazy("0 if there is none; the columns are then named A, B, C …"),
    )

    def __init__(self, layout: FileFormat, names: list[str], data: QueryDict | None = None) -> None:
        encoding = "utf-8-sig" if layout.encoding == "utf-8" else layout.encoding
        initial = {**layout.as_json(), "encoding": encoding}
        super().__init__(data, initial=initial)
        sheet = self.fields["sheet"]
        assert isinstance(sheet, forms.ChoiceField)
        sheet.choices = [(name, name) for name in names]
        unused = ("sheet",) if layout.kind == "text" else ("encoding", "delimiter")
        for name in unused:
            del self.fields[name]
        self.layout = layout

    def corrected_format(self) -> FileFormat:
        return FileFormat.from_json({**self.layout.as_json(), **self.cleaned_data})
