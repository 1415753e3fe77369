"""What to do: steps, their price, the brakes, and how a plan reads. Pure."""

from .brakes import Brake, Brakes, Canary
from .derive import REQUIRED, park, plan_gone, plan_link, plan_new_person, plan_new_row, plan_pair
from .known import Known, Lost, confirmed_base
from .overwritten import Overwritten
from .price import Price, price
from .report import Plan, change_as_data, describe, step_as_data
from .step import MergedPerson, Step, StepKind

__all__ = [
    "REQUIRED",
    "Brake",
    "Brakes",
    "Canary",
    "Known",
    "Lost",
    "MergedPerson",
    "Overwritten",
    "Plan",
    "Price",
    "Step",
    "StepKind",
    "change_as_data",
    "confirmed_base",
    "describe",
    "park",
    "plan_gone",
    "plan_link",
    "plan_new_person",
    "plan_new_row",
    "plan_pair",
    "price",
    "step_as_data",
]
