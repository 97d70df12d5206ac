"""Validate a growth target: against habit, against the payroll budget, against the market's own budget."""

from planwise.parameters.risk import Risk
from planwise.parameters.rules import Finding

TARGET = "target_growth"

# Growth up to and with this rate: what such a target is called, and its risk. Below 1 % the end is excluded.
LAGGING_BELOW = 0.01
BANDS = (
    (0.025, "is conservative", Risk.LOW),
    (0.04, "is moderate", Risk.OK),
    (0.06, "is aggressive", Risk.MEDIUM),
)
MARKET_GAP_NOTABLE_RATE = 0.01  # a percentage point apart from the market changes who stays and who joins


def target_class(growth: float) -> tuple[str, Risk]:
    """Return what a growth target does or is, and its risk."""
    if growth < LAGGING_BELOW:
        return "lags the market", Risk.MEDIUM
    within = ((name, risk) for limit, name, risk in BANDS if growth <= limit)
    return next(within, ("is of high risk", Risk.HIGH))


def validate_target(
    growth: float,
    *,
    market_budget: float | None = None,
    payroll: float | None = None,
    payroll_budget: float | None = None,
) -> list[Finding]:
    """Return the findings about a growth target, its class first.

    `growth` and `market_budget` are rates; `payroll` is the annual payroll that meeting the target is
    expected to cost, in the same currency as `payroll_budget`. What is not given is not judged.
    """
    name, risk = target_class(growth)
    findings = [Finding(TARGET, None, risk, f"A growth target of {growth:.2%} {name}.")]
    if payroll is not None and payroll_budget is not None and payroll > payroll_budget:
        over = payroll - payroll_budget
        message = f"Payroll of {payroll:,.0f} is {over:,.0f} over the budget of {payroll_budget:,.0f}."
        findings.append(Finding("payroll_budget", None, Risk.CRITICAL, message))
    if market_budget is not None and abs(growth - market_budget) > MARKET_GAP_NOTABLE_RATE:
        gap_pp = (growth - market_budget) * 100
        message = (
            f"The target is {abs(gap_pp):.2f} pp {'above' if gap_pp > 0 else 'below'} "
            f"the market's own budget of {market_budget:.2%}."
        )
        findings.append(Finding("market_budget", None, Risk.MEDIUM if gap_pp > 0 else Risk.LOW, message))
    return findings
