"""Planted behaviour groups 客户群: who behaves alike, brand by brand (S2 names for two brands).

A group is a point in seven behaviours; its members scatter around it: five amounts and a count on
the scale log(1 + x), and the change of data use in per cent.
"""

from dataclasses import astuple, dataclass

import numpy as np

from .places import BRAND_SHARES, BRANDS


@dataclass(frozen=True)
class Centre:
    """What a typical member does in a month; minutes, messages, MB; change in per cent."""

    voice: float
    sms: float
    mms: float
    data: float
    roaming: float
    tones: float
    change: float


@dataclass(frozen=True)
class Group:
    """``share`` is within the brand; ``level`` moves the plan up or down the list of fees."""

    brand: str
    code: str
    zh: str
    en: str
    share: float
    level: float
    centre: Centre


GROUPS = (
    Group("gotone", "g1", "数据业务高端", "high flyers of data services", 0.09, 2.0,
          Centre(500, 150, 30, 40_000, 5, 0, 4)),
    Group("gotone", "g2", "高价值数据", "high-value data", 0.11, 1.5,
          Centre(900, 80, 5, 15_000, 60, 0, 0)),
    Group("gotone", "g3", "高价值短信冷淡", "high-value, SMS-indifferent", 0.10, 1.5,
          Centre(1_300, 3, 0, 5_000, 60, 0, 0)),
    Group("gotone", "g4", "中价值短信冷淡", "mid-value, SMS-indifferent", 0.16, 0.2,
          Centre(300, 3, 0, 4_000, 0, 0, 0)),
    Group("gotone", "g5", "数据成长", "growing data", 0.12, 0.6,
          Centre(300, 60, 5, 8_000, 0, 0, 70)),
    Group("gotone", "g6", "数据下滑风险", "data at risk of decline", 0.10, 0.3,
          Centre(300, 60, 5, 4_000, 0, 0, -55)),
    Group("gotone", "g7", "节俭本地短信依赖", "thrifty, local, SMS-dependent", 0.12, -1.2,
          Centre(50, 400, 2, 250, 0, 0, 0)),
    Group("gotone", "g8", "低价值漫游", "low-value roamers", 0.08, -0.5,
          Centre(90, 25, 0, 1_500, 220, 0, 0)),
    Group("gotone", "g9", "数据冷淡", "data-indifferent", 0.12, -0.8,
          Centre(300, 25, 0, 12, 0, 0, 0)),
    Group("mzone", "m1", "本地数据爱好", "local data lovers", 0.17, 0.8,
          Centre(150, 40, 10, 30_000, 0, 0, 5)),
    Group("mzone", "m2", "中价值短信", "mid-value SMS", 0.15, 0.0,
          Centre(120, 450, 3, 3_000, 0, 0, 0)),
    Group("mzone", "m3", "数据高成长", "fastest-growing data", 0.13, 0.4,
          Centre(120, 40, 3, 10_000, 0, 0, 95)),
    Group("mzone", "m4", "彩铃爱好", "ring-back-tone lovers", 0.13, 0.2,
          Centre(150, 60, 3, 4_000, 0, 8, 0)),
    Group("mzone", "m5", "语音爱好", "voice lovers", 0.12, 0.3,
          Centre(900, 20, 0, 1_500, 0, 0, 0)),
    Group("mzone", "m6", "高价值漫游语音", "high-value roaming voice", 0.08, 1.4,
          Centre(800, 30, 1, 8_000, 250, 0, 0)),
    Group("mzone", "m7", "低价值漫游语音", "low-value roaming voice", 0.08, -0.6,
          Centre(90, 15, 0, 400, 120, 0, 0)),
    Group("mzone", "m8", "低价值数据", "low-value data", 0.14, -0.8,
          Centre(40, 20, 0, 1_200, 0, 0, -40)),
    Group("easyown", "e1", "节俭语音", "frugal voice", 0.30, -0.4,
          Centre(140, 4, 0, 20, 0, 0, 0)),
    Group("easyown", "e2", "短信往来", "text pals", 0.17, 0.0,
          Centre(60, 260, 1, 250, 0, 0, 0)),
    Group("easyown", "e3", "外出务工长途", "working away from home", 0.18, 0.8,
          Centre(400, 15, 0, 900, 200, 0, 0)),
    Group("easyown", "e4", "上网初体验", "new to mobile internet", 0.20, 0.5,
          Centre(100, 15, 2, 4_000, 0, 0, 60)),
    Group("easyown", "e5", "沉默", "silent", 0.15, -1.2,
          Centre(6, 1, 0, 5, 0, 0, -35)),
)  # fmt: skip

BEHAVIOURS = ("voice", "sms", "mms", "data", "roaming", "tones")
_SPREADS = np.array([[0.40], [0.42], [0.40], [0.45], [0.40], [0.35]], dtype=np.float32)
CHANGE_SPREAD = 12.0

GROUP_SHARES = np.array([g.share * BRAND_SHARES[BRANDS.index(g.brand)] for g in GROUPS])
CENTRES = np.array([astuple(g.centre) for g in GROUPS], dtype=np.float32)
LOG_CENTRES = np.log1p(CENTRES[:, : len(BEHAVIOURS)]).T.copy()  # behaviours × groups
# Around nothing there is no scatter: a group that does not roam does not roam.
LOG_SPREADS = np.where(LOG_CENTRES > 0, _SPREADS, np.float32(0))
CHANGES = CENTRES[:, -1]
PLAN_LEVELS = np.array([g.level for g in GROUPS], dtype=np.float32)


def share_within_brands() -> list[list[float]]:
    """Return for each brand the share of every group: zero for those of other brands."""
    return [[g.share if g.brand == brand else 0.0 for g in GROUPS] for brand in BRANDS]
