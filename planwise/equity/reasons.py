"""Why a pay gap cannot be measured: the codes that the marts publish beside a null gap, and their text."""

from collections.abc import Mapping
from typing import Any

from planwise.small_groups import SMALLEST_GROUP

SUFFIX = "_reason"  # of the column that says why another is null
NO_GROUPS, NO_GENDER, ONE_GROUP, SMALL_GROUP = "no_groups", "no_gender", "one_group", "small_group"
NO_PEOPLE, NO_PAY, NOT_SEPARABLE, FEW_COMPARABLE = "no_people", "no_pay", "not_separable", "few_comparable"
REASONS: Mapping[str, str] = {
    NO_PEOPLE: "there are no employees at the end of the year",
    NO_GROUPS: "neither gender nor ethnicity is known",
    NO_GENDER: "gender is not known",
    ONE_GROUP: "there is one group only, and none to compare with",
    SMALL_GROUP: f"a group that has to be compared has fewer than {SMALLEST_GROUP} people",
    FEW_COMPARABLE: f"fewer than {SMALLEST_GROUP} people of both groups have colleagues of the other in "
    "their level, department and tenure band",
    NO_PAY: "people who have to be compared have no pay",
    NOT_SEPARABLE: "the groups never share levels and departments, so that one cannot be told from the other",
    "reference": "it is the group that others are compared with",
}


def reason_text(code: Any) -> str:
    """Return a reason in words; a result published before reasons were has none."""
    return REASONS.get(str(code), "its result was published without a reason; simulate the scenario again")


def gap_reason(row: Mapping[str, Any], gap: str = "adjusted_gap") -> str:
    """Return in words why `gap` of a row of `fct_scenario_kpis` or `fct_pay_equity` is null.

    Those of the KPIs need women and men who can be compared, whatever ethnicities can be.
    """
    code = row.get(gap + SUFFIX)
    of_gender = "attribute" not in row and code in (ONE_GROUP, SMALL_GROUP, FEW_COMPARABLE)
    return f"by gender, {reason_text(code)}" if of_gender else reason_text(code)


NO_SURVEY = "no_survey"  # also that of results of earlier versions, which have no code
# Why there is no market position, by the code that the marts have.
MARKET_REASONS: Mapping[str, str] = {
    NO_SURVEY: "no market survey is in use: match the job titles (`planwise enrich market`) "
    "and decide on those it leaves open",
    "no_match": "no job title is matched",
    "no_people": "there are no people",
    "review": "a person has to decide which occupation it is",
    "unmatched": "no occupation has a title like it",
    "no_wages": "no wages are published for the occupation",
}
