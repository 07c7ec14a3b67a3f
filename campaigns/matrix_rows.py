"""Which rows of the marketing matrix meet a cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from common.permissions import Permission
from segmentation.definition import Bands, MatrixDefinition, band_codes
from segmentation.models import Cell

from .models import Campaign, MarketingRow, PolicyVersion


@dataclass(frozen=True)
class Meeting:
    """A policy that the cell's customers meet in a campaign."""

    campaign: Campaign
    policy: str
    name: str
    cells: Mapping[str, Sequence[str]]


def meetings(cell: Cell, definition: MatrixDefinition, reader: User) -> list[Meeting]:
    """Return the rows that meet the cell, of the campaigns that the reader may see."""
    if not reader.can(Permission.VIEW_CAMPAIGNS):
        return []
    campaigns = {c.pk: c for c in Campaign.objects.visible_to(reader)}
    rows = [
        row
        for row in MarketingRow.objects.filter(matrix=cell.matrix_id, campaign__in=campaigns)
        if _inside(cell.bands, row.cells, definition)
    ]
    names = policy_names({row.policy_id for row in rows})
    return [
        Meeting(campaigns[row.campaign_id], row.policy_id, names.get(row.policy_id, ""), row.cells)
        for row in rows
    ]


def policy_names(numbers: set[str]) -> dict[str, str]:
    """The names of policies by number, as their newest versions say."""
    newest = PolicyVersion.objects.newest().filter(policy__in=numbers)
    return {version.policy_id: version.name for version in newest}


def _inside(bands: Bands, box: Mapping[str, Sequence[str]], definition: MatrixDefinition) -> bool:
    every = {d.code: [band.code for band in d.all_bands] for d in definition.dimensions}
    return all(
        set(band_codes(bands.get(code, every.get(code, [])))) <= set(wanted)
        for code, wanted in box.items()
    )
