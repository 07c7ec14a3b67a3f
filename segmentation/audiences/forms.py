"""What people fill in about sets, and their text as a set: YAML, of which JSON is a part."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Level, Organisation, User
from common import yaml_source
from common.errors import DomainError
from common.yaml_source import Source

from ..dimensions import Name
from .lists import MOST_BYTES
from .models import Defined
from .sets import SET_CODE, Json

LONGEST, LONGEST_NAME = 20_000, 120
CODE_HELP = gettext_lazy(
    "Lower-case letters, digits and underscores, beginning with a letter. It never changes: rules "
    "and campaigns name it."
)


def _text(**more: Any) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"} | more)


class DefinedForm(forms.Form):
    """Code, names, place; when a row is edited its code and city stay."""

    code = forms.RegexField(
        SET_CODE["pattern"], label=gettext_lazy("Code"), help_text=CODE_HELP, widget=_text()
    )
    name_zh = forms.CharField(
        label=gettext_lazy("Chinese name"), max_length=LONGEST_NAME, widget=_text()
    )
    name_en = forms.CharField(
        label=gettext_lazy("English name"), max_length=LONGEST_NAME, widget=_text()
    )
    city = forms.ChoiceField(
        label=gettext_lazy("Whose"),
        required=False,
        help_text=gettext_lazy("What is a city's holds that city's customers only."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(
        self,
        *args: Any,
        reader: User,
        row: Defined | None = None,
        city: str | None = None,
        **more: Any,
    ) -> None:
        """``row``: what is edited; ``city``: that of the group, where it is not for choosing."""
        super().__init__(*args, **more)
        self.row = row
        if row is not None:
            del self.fields["code"]
        if row is not None or city is not None:
            self._city = row.city if row is not None else city
            del self.fields["city"]
        else:
            self.fields["city"].choices = _places(reader)

    def says(self) -> dict[str, Any]:
        """The values as the services take them."""
        values = self.cleaned_data
        return {
            "code": self.row.code if self.row else values["code"],
            "name": Name(values["name_zh"], values["name_en"]),
            "city": values["city"] if "city" in self.fields else self._city,
            "revision": values["revision"],
        }


def _places(reader: User) -> list[tuple[str, str]]:
    cities = Organisation.objects.filter(level=Level.CITY)
    if reader.cities is not None:
        return [(c.code, c.name) for c in cities if c.code in reader.cities]
    return [("", _("the whole province")), *((c.code, c.name) for c in cities)]


class SetForm(DefinedForm):
    """A mark or an audience."""

    customers = forms.CharField(
        label=gettext_lazy("Customers"),
        max_length=LONGEST,
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "form-control font-monospace", "rows": 14, "spellcheck": "false"}
        ),
    )


class ListForm(DefinedForm):
    source = forms.CharField(
        label=gettext_lazy("Source"),
        max_length=200,
        help_text=gettext_lazy("Where the numbers come from and who answers for them."),
        widget=_text(),
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy("After this day the list holds nobody."),
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy(
            "CSV or text: one customer per line, the number in the first field. UTF-8 or GB 18030."
        ),
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".csv,.txt,text/*"}),
    )

    def says(self) -> dict[str, Any]:
        values = self.cleaned_data
        return super().says() | {
            "source": values["source"],
            "expires_on": values["expires_on"],
            # One byte more than may be, so that the service sees what is too large.
            "content": values["file"].read(MOST_BYTES + 1),
        }


# --- the text of a set ---


def read_set(text: str) -> tuple[Json, Source]:
    """Parse the text. Raises DomainError ``bad_yaml`` with the line."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "set"
        file.write_text(text, encoding="utf-8")
        source = yaml_source.read(file)
    return source.value, source


def written(expression: Json) -> str:
    """The set as people read and write it."""
    return yaml.safe_dump(expression, allow_unicode=True, sort_keys=False, width=90)


def placed(error: DomainError, source: Source | None) -> str:
    """The error with the line of the text that it speaks of."""
    where = error.extra.get("where", [])
    if source is None or where[:1] != ["customers"]:
        return error.message
    path = tuple(where[1:])
    return _("line %(line)d (%(path)s): %(text)s") % {
        "line": source.line(path),
        "path": ".".join(map(str, path)) or "/",
        "text": error.message,
    }
