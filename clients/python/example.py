"""Ask what a customer is offered, show it, and report what the customer did.

JUZHEN_URL=https://juzhen.example JUZHEN_KEY=jz_... python example.py 12800001234 front_desk
"""

import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

from juzhen_client import AuthenticatedClient
from juzhen_client.api.feedback import report_feedback
from juzhen_client.api.recommendations import recommend
from juzhen_client.models import (
    ChannelEnum,
    Feedback,
    FeedbackEvent,
    FeedbackReply,
    OutcomeEnum,
    Problem,
    Recommendation,
)
from juzhen_client.types import UNSET, Response

Reply = TypeVar("Reply")
ATTEMPTS = 5


class Refused(Exception):
    """What was asked is not possible: ``code`` for the program, the text for the person."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.code = problem.code
        self.faults = [(fault.where, fault.message) for fault in problem.errors or []]


def answered(call: Callable[[], Response[Problem | Reply]]) -> Reply:
    """Return the reply; wait as long as told where calls come too fast. Raises Refused."""
    for _attempt in range(ATTEMPTS):
        response = call()
        if response.status_code != 429:
            break
        time.sleep(int(response.headers["Retry-After"]))
    if response.parsed is None:  # not from Juzhen: a proxy on the way, say
        raise RuntimeError(f"{response.status_code}: {response.content[:200]!r}")
    if isinstance(response.parsed, Problem):
        raise Refused(response.parsed)
    return response.parsed


def connect(url: str, key: str, language: str = "zh-hans") -> AuthenticatedClient:
    """Keep it open: it holds the connections to the server."""
    return AuthenticatedClient(url, token=key, headers={"Accept-Language": language})


def ask(client: AuthenticatedClient, customer: str, channel: ChannelEnum) -> Recommendation:
    return answered(
        lambda: recommend.sync_detailed(customer, client=client, channel=channel, limit=3)
    )


def show(answer: Recommendation) -> None:
    print(answer.customer_no, ", ".join(f"{fact.name}: {fact.shown}" for fact in answer.profile))
    for item in answer.items:
        print(f"{item.rank}. {item.name} ({item.policy}), until {item.valid_until}")
        for line in [*(reason.text for reason in item.reasons), *item.talking_points]:
            print(f"   {line}")


def report(
    client: AuthenticatedClient,
    answer: Recommendation,
    outcomes: list[tuple[str, OutcomeEnum, str]],
) -> FeedbackReply:
    """Report (policy, outcome, reason) of an answer; a reason is needed for ``declined``.

    The key makes the report count once, however often it is sent; keep it with the report until
    the reply has come.
    """
    body = Feedback(
        [
            FeedbackEvent(answer.decision, policy, outcome, reason=reason or UNSET)
            for policy, outcome, reason in outcomes
        ]
    )
    key = str(uuid4())
    return answered(
        lambda: report_feedback.sync_detailed(client=client, body=body, idempotency_key=key)
    )


def main(customer: str, channel: str) -> None:
    with connect(os.environ["JUZHEN_URL"], os.environ["JUZHEN_KEY"]) as client:
        try:
            answer = ask(client, customer, ChannelEnum(channel))
            show(answer)
            shown = [(item.policy, OutcomeEnum.SHOWN, "") for item in answer.items]
            if shown:
                reply = report(client, answer, shown)
                print(f"{reply.recorded} reported")
        except Refused as refused:
            sys.exit(f"{refused} [{refused.code}] {refused.faults or ''}")


if __name__ == "__main__":
    main(*sys.argv[1:])
