import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.channel_enum import ChannelEnum
from ...models.problem import Problem
from ...models.recommendation import Recommendation
from ...types import UNSET, Response, Unset


def _get_kwargs(
    customer_no: str,
    *,
    at: datetime.datetime | Unset = UNSET,
    channel: ChannelEnum | Unset = UNSET,
    explain: bool | Unset = False,
    limit: int | Unset = 10,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_at: str | Unset = UNSET
    if not isinstance(at, Unset):
        json_at = at.isoformat()
    params["at"] = json_at

    json_channel: str | Unset = UNSET
    if not isinstance(channel, Unset):
        json_channel = channel.value

    params["channel"] = json_channel

    params["explain"] = explain

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/customers/{customer_no}/recommendations".format(
            customer_no=quote(str(customer_no), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Problem | Recommendation | None:
    if response.status_code == 200:
        response_200 = Recommendation.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Problem | Recommendation]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | Unset = UNSET,
    channel: ChannelEnum | Unset = UNSET,
    explain: bool | Unset = False,
    limit: int | Unset = 10,
) -> Response[Problem | Recommendation]:
    """What this customer is offered now, best first, and why

     The answer is kept as a decision, whose id names it in feedback. For a system client it takes one
    call of the rate.

    Args:
        customer_no (str):
        at (datetime.datetime | Unset):
        channel (ChannelEnum | Unset):
        explain (bool | Unset):  Default: False.
        limit (int | Unset):  Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Recommendation]
    """

    kwargs = _get_kwargs(
        customer_no=customer_no,
        at=at,
        channel=channel,
        explain=explain,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | Unset = UNSET,
    channel: ChannelEnum | Unset = UNSET,
    explain: bool | Unset = False,
    limit: int | Unset = 10,
) -> Problem | Recommendation | None:
    """What this customer is offered now, best first, and why

     The answer is kept as a decision, whose id names it in feedback. For a system client it takes one
    call of the rate.

    Args:
        customer_no (str):
        at (datetime.datetime | Unset):
        channel (ChannelEnum | Unset):
        explain (bool | Unset):  Default: False.
        limit (int | Unset):  Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Recommendation
    """

    return sync_detailed(
        customer_no=customer_no,
        client=client,
        at=at,
        channel=channel,
        explain=explain,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | Unset = UNSET,
    channel: ChannelEnum | Unset = UNSET,
    explain: bool | Unset = False,
    limit: int | Unset = 10,
) -> Response[Problem | Recommendation]:
    """What this customer is offered now, best first, and why

     The answer is kept as a decision, whose id names it in feedback. For a system client it takes one
    call of the rate.

    Args:
        customer_no (str):
        at (datetime.datetime | Unset):
        channel (ChannelEnum | Unset):
        explain (bool | Unset):  Default: False.
        limit (int | Unset):  Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | Recommendation]
    """

    kwargs = _get_kwargs(
        customer_no=customer_no,
        at=at,
        channel=channel,
        explain=explain,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    at: datetime.datetime | Unset = UNSET,
    channel: ChannelEnum | Unset = UNSET,
    explain: bool | Unset = False,
    limit: int | Unset = 10,
) -> Problem | Recommendation | None:
    """What this customer is offered now, best first, and why

     The answer is kept as a decision, whose id names it in feedback. For a system client it takes one
    call of the rate.

    Args:
        customer_no (str):
        at (datetime.datetime | Unset):
        channel (ChannelEnum | Unset):
        explain (bool | Unset):  Default: False.
        limit (int | Unset):  Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | Recommendation
    """

    return (
        await asyncio_detailed(
            customer_no=customer_no,
            client=client,
            at=at,
            channel=channel,
            explain=explain,
            limit=limit,
        )
    ).parsed
