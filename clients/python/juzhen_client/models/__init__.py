"""Contains all the data models used in inputs/outputs"""

from .band import Band
from .batch import Batch
from .batch_entry import BatchEntry
from .batch_question import BatchQuestion
from .cell import Cell
from .channel_enum import ChannelEnum
from .considered import Considered
from .fact import Fact
from .fault import Fault
from .feedback import Feedback
from .feedback_event import FeedbackEvent
from .feedback_reply import FeedbackReply
from .gate_enum import GateEnum
from .item import Item
from .opt_out_enum import OptOutEnum
from .opt_outs import OptOuts
from .opt_outs_reply import OptOutsReply
from .outcome_enum import OutcomeEnum
from .problem import Problem
from .problem_extra import ProblemExtra
from .ranking import Ranking
from .reason import Reason
from .reason_enum import ReasonEnum
from .recommendation import Recommendation
from .recommendation_versions import RecommendationVersions
from .replay import Replay

__all__ = (
    "Band",
    "Batch",
    "BatchEntry",
    "BatchQuestion",
    "Cell",
    "ChannelEnum",
    "Considered",
    "Fact",
    "Fault",
    "Feedback",
    "FeedbackEvent",
    "FeedbackReply",
    "GateEnum",
    "Item",
    "OptOutEnum",
    "OptOuts",
    "OptOutsReply",
    "OutcomeEnum",
    "Problem",
    "ProblemExtra",
    "Ranking",
    "Reason",
    "ReasonEnum",
    "Recommendation",
    "RecommendationVersions",
    "Replay",
)
