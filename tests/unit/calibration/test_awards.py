"""Awards, drift and what is stated of the year to come, on censuses worked out by hand."""

import pytest
from calibration_worlds import census, person

from planwise.calibration import calibrate, calibration_markdown, given_of_last, parse_given
from planwise.calibration.awards import find_awards, given_values
from planwise.calibration.raises import with_promotions
from planwise.calibration.years import transition
from planwise.errors import InputError

NOTHING = 1.0
STEP = 1.04 / 1.02 - 1


def staff(year, police, fire, parks):
    """Return 100 police, 100 fire fighters and 40 gardeners at these factors on their pay of 2020.

    Of the police a tenth had no raise, another tenth a step on top; one gardener was renamed and raised.
    """
    step = 1 + STEP if police > 1 else 1.0
    people = [
        person(f"p{k:03}", 40_000 * (NOTHING if k < 10 else police * step if k < 20 else police))
        | {"department": "Police"}
        for k in range(100)
    ]
    people += [person(f"f{k:03}", 45_000 * fire) | {"department": "Fire"} for k in range(100)]
    people += [person(f"g{k:03}", 42_000 * parks) | {"department": "Parks"} for k in range(39)]
    renamed = ("Head gardener", 1.25) if parks > 1 else ("Clerk", 1.0)
    people.append(person("g039", 42_000 * renamed[1], title=renamed[0]) | {"department": "Parks"})
    return census(year, *people)


BEFORE, AFTER = staff(2020, 1.0, 1.0, 1.0), staff(2021, 1.02, 1.035, 1.01)


@pytest.fixture(scope="module")
def found():
    return calibrate((BEFORE, AFTER), raises="awards")


def test_the_award_of_a_group_is_what_most_with_the_same_title_share(found):
    awards = {award.group: award for award in found.awards.awards}

    assert found.awards.groups == ("Fire", "Police")  # of at least a hundred people
    assert (awards["Police"].rate, awards["Police"].share, awards["Police"].heads) == (0.02, 0.8, 100)
    assert awards["Fire"].rate == 0.035
    assert (awards[""].rate, awards[""].heads) == (0.01, 39)  # without the gardener who was renamed
    assert found.assumptions["awards"] == "department: Fire=0.035; Police=0.02"
    assert found.levers["cola_rate"] == 0.01
    assert {found.levers[f"merit_rate_level_{level}"] for level in range(1, 6)} == {0.0}
    assert found.raise_split is None


def test_drift_is_the_rest_of_everybodys_raise(found):
    donors = found.drift_donors
    police = donors[donors["award_group"] == "department: Police"]["drift"]

    assert len(donors) == 240
    assert sorted(police.round(6).value_counts()) == [10, 10, 80]
    assert police.min() == pytest.approx(1 / 1.02 - 1)
    assert police.max() == pytest.approx(STEP)
    gardeners = donors[donors["award_group"] == ""]["drift"]
    assert gardeners.max() == pytest.approx(1.25 / 1.01 - 1)
    mean = next(drift for drift in found.awards.drift if drift.group == "Police")
    assert mean.mean == pytest.approx((10 * (1 / 1.02 - 1) + 10 * STEP) / 100)
    assert mean.below_share == 0.1
    assert "| Police | 2.00% (80% of 100) | 2.00% |" in calibration_markdown(found)


def test_fewer_than_a_hundred_people_share_one_award():
    small = census(2020, *(person(f"c{k}", 40_000) for k in range(40)))
    later = census(2021, *(person(f"c{k}", 40_800) for k in range(40)))
    found = calibrate((small, later), raises="awards")

    assert found.assumptions["awards"] is None
    assert found.levers["cola_rate"] == 0.02


def test_raises_that_follow_no_rule_are_awards_and_drift(found):
    assert calibrate((BEFORE, AFTER)).raise_split is None
    assert calibrate((BEFORE, AFTER), cola=0.01).raise_split is not None
    with pytest.raises(InputError, match="A COLA is stated"):
        calibrate((BEFORE, AFTER), cola=0.01, raises="awards")
    with pytest.raises(InputError, match="Awards cannot be found by location"):
        calibrate((BEFORE, AFTER), award_by="location")


def test_what_is_known_of_the_next_year_is_stated():
    given = parse_given(["award.police=3%", "award = 0.015", "headcount=1,200"])
    found = calibrate((BEFORE, AFTER), raises="awards", given=given)

    assert found.assumptions["awards@2022"] == "department: Fire=0.035; Police=0.03"
    assert found.levers["cola_rate@2022"] == 0.015
    assert found.assumptions["headcount_growth@2022"] == 4.0
    assert found.assumptions["awards"] == "department: Fire=0.035; Police=0.02"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("award.Police", "is not understood"),
        ("pay=3", "is not understood"),
        ("award.Police=much", "is not understood"),
        ("award.Police=30%", "between 0 and 25%"),
        ("headcount=12.5", "a whole number"),
        ("headcount=0", "at least 1"),
    ],
)
def test_a_statement_that_cannot_be_read(text, message):
    with pytest.raises(InputError, match=message):
        parse_given([text])


def test_a_group_that_the_census_does_not_have():
    steps = (transition(BEFORE, AFTER),)
    stayers = {steps[0].label: with_promotions(steps[0], by_pay=False)}
    found = find_awards(steps, stayers, AFTER)
    with pytest.raises(InputError, match=r"no department of y2021 is called that") as error:
        given_values(parse_given(["award.Polise=0.03"]), AFTER, found, {})
    assert "Did you mean Police" in str(error.value.remedy)
    with pytest.raises(InputError, match="only a backtest has one"):
        given_values(parse_given(["award=actual"]), AFTER, found, {})


def test_a_backtest_can_be_told_what_happened():
    third = staff(2022, 1.02 * 1.03, 1.035 * 1.01, 1.01 * 1.02)
    years = (BEFORE, AFTER, third)

    happened = given_of_last(years, parse_given(["award=actual", "headcount=actual"]))
    assert happened == {
        "cola_rate": 0.02,
        "awards": "department: Fire=0.01; Police=0.03",
        "headcount_growth": 0.0,
    }
    stated = given_of_last(years, parse_given(["award.Fire=0"]))
    assert stated == {"cola_rate": 0.01, "awards": "department: Fire=0; Police=0.02"}
