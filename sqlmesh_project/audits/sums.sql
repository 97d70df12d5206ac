AUDIT (
  name bridge_sums_to_growth
);

/* Invariant 15: the bridge sums to the growth. */
SELECT
  *
FROM @this_model
WHERE
  ABS(
    bridge_exits + bridge_cola + bridge_drift + bridge_merit + bridge_promotion + bridge_hires - growth_all
  ) > 1e-12
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
  cola_cost + drift_cost + merit_cost + promotion_cost + hire_cost - exit_savings <> payroll_change;

AUDIT (
  name increase_is_the_sum_of_its_raises
);

/* The increase budget in money is that of its raises, to the last digit; the year sees at most that. */
SELECT
  *
FROM @this_model
WHERE
  cola_cost + merit_cost + lump_sum_cost <> increase_cost
  OR increase_cost_in_year > increase_cost + 0.01
  OR increase_cost < 0;

AUDIT (
  name groups_sum_to_the_budget
);

/* The groups of every attribute sum to the budget of the year, to the last digit. */
SELECT
  groups.simulation_year,
  groups.attribute,
  SUM(groups.increase_cost) AS increase_cost,
  SUM(groups.promotion_cost) AS promotion_cost,
  SUM(groups.drift_cost) AS drift_cost,
  SUM(groups.opening_payroll) AS opening_payroll
FROM @this_model AS groups
INNER JOIN marts.fct_budget AS budget
  ON budget.simulation_year = groups.simulation_year
GROUP BY
  groups.simulation_year,
  groups.attribute,
  budget.increase_cost,
  budget.promotion_cost,
  budget.drift_cost,
  budget.opening_payroll
HAVING
  SUM(groups.increase_cost) <> budget.increase_cost
  OR SUM(groups.promotion_cost) <> budget.promotion_cost
  OR SUM(groups.drift_cost) <> budget.drift_cost
  OR SUM(groups.opening_payroll) <> budget.opening_payroll;

AUDIT (
  name increases_sum_to_the_list_part
);

/* The increase list sums to its part of the bridge and to the payroll of the opening, to the last digit. */
SELECT
  bridge.simulation_year,
  SUM((
    increases.cola + increases.merit + increases.lump_sum
  ) * increases.fte) AS increase_cost,
  SUM(increases.lump_sum * increases.fte) AS lump_sum_cost,
  SUM(increases.old_pay * increases.fte) AS opening_payroll
FROM @this_model AS increases
INNER JOIN marts.fct_increase_bridge AS bridge
  ON bridge.simulation_year = increases.simulation_year
  AND bridge.attribute = 'all'
  AND bridge.part = 'list'
INNER JOIN marts.fct_budget AS budget
  ON budget.simulation_year = increases.simulation_year
GROUP BY
  bridge.simulation_year,
  bridge.increase_cost,
  bridge.lump_sum_cost,
  budget.opening_payroll
HAVING
  SUM((
    increases.cola + increases.merit + increases.lump_sum
  ) * increases.fte) <> bridge.increase_cost
  OR SUM(increases.lump_sum * increases.fte) <> bridge.lump_sum_cost
  OR SUM(increases.old_pay * increases.fte) <> budget.opening_payroll;

AUDIT (
  name parts_sum_to_the_increase_budget
);

/* List, promotions, exits and draws sum to the budget by COLA, merit and lump sums, to the last digit. */
SELECT
  bridge.simulation_year,
  SUM(bridge.cola_cost) AS cola_cost,
  SUM(bridge.merit_cost) AS merit_cost,
  SUM(bridge.lump_sum_cost) AS lump_sum_cost
FROM @this_model AS bridge
INNER JOIN marts.fct_budget AS budget
  ON budget.simulation_year = bridge.simulation_year
WHERE
  bridge.attribute = 'all'
GROUP BY
  bridge.simulation_year,
  budget.cola_cost,
  budget.merit_cost,
  budget.lump_sum_cost
HAVING
  SUM(bridge.cola_cost) <> budget.cola_cost
  OR SUM(bridge.merit_cost) <> budget.merit_cost
  OR SUM(bridge.lump_sum_cost) <> budget.lump_sum_cost;

AUDIT (
  name groups_sum_to_the_parts
);

/* The groups of every attribute sum to the list and to what promotions bring, to the last digit. */
SELECT
  groups.simulation_year,
  groups.attribute,
  groups.part,
  SUM(groups.increase_cost) AS increase_cost
FROM @this_model AS groups
INNER JOIN @this_model AS whole
  ON whole.simulation_year = groups.simulation_year
  AND whole.part = groups.part
  AND whole.attribute = 'all'
GROUP BY
  groups.simulation_year,
  groups.attribute,
  groups.part,
  whole.increase_cost
HAVING
  SUM(groups.increase_cost) <> whole.increase_cost;

AUDIT (
  name small_groups_are_suppressed
);

SELECT
  *
FROM @this_model
WHERE
  headcount < 10
