from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.opt_outs import OptOuts
from ...models.opt_outs_reply import OptOutsReply
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    customer_no: str,
    *,
    body: OptOuts,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/customers/{customer_no}/opt-outs".format(
            customer_no=quote(str(customer_no), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OptOutsReply | Problem | None:
    if response.status_code == 200:
        response_200 = OptOutsReply.from_dict(response.json())

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

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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
) -> Response[OptOutsReply | Problem]:
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
    body: OptOuts,
) -> Response[OptOutsReply | Problem]:
    """Say so anew, whole: it holds from the next answer on

     What is not named is opted in again. The same again changes nothing.

    Args:
        customer_no (str):
        body (OptOuts): All that the customer does not want to hear from.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OptOutsReply | Problem]
    """

    kwargs = _get_kwargs(
        customer_no=customer_no,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    body: OptOuts,
) -> OptOutsReply | Problem | None:
    """Say so anew, whole: it holds from the next answer on

     What is not named is opted in again. The same again changes nothing.

    Args:
        customer_no (str):
        body (OptOuts): All that the customer does not want to hear from.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OptOutsReply | Problem
    """

    return sync_detailed(
        customer_no=customer_no,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    body: OptOuts,
) -> Response[OptOutsReply | Problem]:
    """Say so anew, whole: it holds from the next answer on

     What is not named is opted in again. The same again changes nothing.

    Args:
        customer_no (str):
        body (OptOuts): All that the customer does not want to hear from.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OptOutsReply | Problem]
    """

    kwargs = _get_kwargs(
        customer_no=customer_no,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    customer_no: str,
    *,
    client: AuthenticatedClient,
    body: OptOuts,
) -> OptOutsReply | Problem | None:
    """Say so anew, whole: it holds from the next answer on

     What is not named is opted in again. The same again changes nothing.

    Args:
        customer_no (str):
        body (OptOuts): All that the customer does not want to hear from.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OptOutsReply | Problem
    """

    return (
        await asyncio_detailed(
            customer_no=customer_no,
            client=client,
            body=body,
        )
    ).parsed
