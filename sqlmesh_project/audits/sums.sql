AUDIT (
  name bridge_sums_to_growth
);

/* Invariant 15: the bridge sums to the growth. */
SELECT
  *
FROM @this_model
WHERE
  ABS(bridge_exits + bridge_cola + bridge_merit + bridge_promotion + bridge_hires - growth_all) > 1e-12
  OR (
    growth_all IS NULL
  ) <> (
    bridge_hires IS NULL
  );

AUDIT (
  name budget_sums_to_payroll_change
);

/* Invariant 15: the budget sums to the change of payroll, to the last digit. */
SELECT
  *
FROM @this_model
WHERE
  cola_cost + merit_cost + promotion_cost + hire_cost - exit_savings <> payroll_change;

AUDIT (
  name small_groups_are_suppressed
);

SELECT
  *
FROM @this_model
WHERE
  headcount < 10
