"""The forms by which a draft is edited. Each carries the revision that its writer saw."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from segmentation.definition import MatrixDefinition
from segmentation.matrix_words import spoken

SELECT = {"class": "form-select"}


class RevisionForm(forms.Form):
    revision = forms.IntegerField(widget=forms.HiddenInput)


class BoxForm(RevisionForm):
    """A box of bands: a dimension of which none is ticked has all of its bands."""

    def __init__(self, *args: Any, definition: MatrixDefinition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.definition = definition
        for dimension in definition.dimensions:
            self.fields[f"box_{dimension.code}"] = forms.MultipleChoiceField(
                label=spoken(dimension.name),
                required=False,
                choices=[(band.code, spoken(band.name)) for band in dimension.all_bands],
                widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
            )

    @property
    def box_fields(self) -> Iterator[Any]:
        return (self[name] for name in self.fields if name.startswith("box_"))

    @property
    def box(self) -> dict[str, tuple[str, ...]]:
        """The bands that were ticked, by dimension."""
        found = {}
        for dimension in self.definition.dimensions:
            bands = self.cleaned_data.get(f"box_{dimension.code}") or ()
            if 0 < len(bands) < len(dimension.all_bands):
                found[dimension.code] = tuple(bands)
        return found


class SplitForm(BoxForm):
    """Split the cells in a box by a dimension that the matrix has."""

    by = forms.ChoiceField(label=_("By the dimension"), widget=forms.Select(attrs=SELECT))

    def __init__(self, *args: Any, definition: MatrixDefinition, **kwargs: Any) -> None:
        super().__init__(*args, definition=definition, **kwargs)
        self.fields["by"].choices = _dimensions(definition)


class RemoveForm(RevisionForm):
    """Take a dimension away."""

    dimension = forms.ChoiceField(label=_("Dimension"), widget=forms.Select(attrs=SELECT))

    def __init__(self, *args: Any, definition: MatrixDefinition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dimension"].choices = _dimensions(definition)


class DeleteForm(RevisionForm):
    """Merge a cell into its neighbour. Cells are named by their bands, as JSON."""

    cell = forms.JSONField(widget=forms.HiddenInput)
    into = forms.JSONField(widget=forms.HiddenInput)


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("Note for who approves it"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )


class ApproveForm(RevisionForm):
    from_date = forms.DateField(
        label=_("In force from the business date"),
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
    )


class ChoiceForm(forms.Form):
    """What becomes of the rows of a box: another box, or nothing."""

    key = forms.CharField(widget=forms.HiddenInput)
    becomes = forms.ChoiceField(choices=[("suggested", ""), ("box", ""), ("drop", "")])


def _dimensions(definition: MatrixDefinition) -> list[tuple[str, str]]:
    return [(d.code, f"{spoken(d.name)} ({d.code})") for d in definition.dimensions]
