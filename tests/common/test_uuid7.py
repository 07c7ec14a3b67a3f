"""Identifiers in the order of time."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.uuid7 import earliest_uuid7, time_of, uuid7

NOW = datetime(2026, 7, 2, 4, 0, 0, 123_000, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


def test_it_is_a_version_7_identifier_of_rfc_9562() -> None:
    made = uuid7(NOW)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    # RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F is of 19:22:22 UTC.
    example = uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert time_of(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@given(moments)
def test_it_tells_its_moment_to_the_millisecond(moment: datetime) -> None:
    told = time_of(uuid7(moment))
    assert timedelta(0) <= moment - told < TICK
    assert earliest_uuid7(moment) <= uuid7(moment)


@given(moments, st.timedeltas(TICK, timedelta(days=9999)))
def test_a_later_one_is_greater(moment: datetime, after: timedelta) -> None:
    if moment.year < 9900:
        later = moment + after
        assert uuid7(moment) < earliest_uuid7(later) <= uuid7(later)
        assert str(uuid7(moment)) < str(uuid7(later))


def test_none_is_like_another() -> None:
    made = [uuid7(NOW) for _ in range(10_000)]
    assert len(set(made)) == len(made)


def test_all_bits_but_time_version_and_variant_vary() -> None:
    made = [uuid7(NOW).int for _ in range(200)]
    ever, always = 0, (1 << 128) - 1
    for one in made:
        ever, always = ever | one, always & one
    varied = ever & ~always
    assert varied == ((1 << 12) - 1) << 64 | ((1 << 62) - 1)
