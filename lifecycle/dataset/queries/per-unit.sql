-- What did one functional unit take: a sample, a token, a request? Numerator and
-- denominator are of the same stages, those that count the unit. units is the
-- same in all rows of a stage, so it is taken once.
WITH stage_of_run AS (
  SELECT
    run_id, stage,
    ANY_VALUE(units)        AS units,
    SUM(energy_j)           AS energy_j,
    SUM(operational_gco2e)  AS operational_gco2e
  FROM flat
  WHERE units IS NOT NULL
  GROUP BY run_id, stage
),
counted AS (
  SELECT stage, energy_j, operational_gco2e, UNNEST(map_entries(units)) AS unit
  FROM stage_of_run
)
SELECT
  stage,
  unit.key                                              AS unit,
  COUNT(*)                                              AS stages,
  SUM(unit.value)                                       AS units,
  SUM(energy_j) / NULLIF(SUM(unit.value), 0)            AS j_per_unit,
  SUM(operational_gco2e) / NULLIF(SUM(unit.value), 0)   AS gco2e_per_unit
FROM counted
GROUP BY stage, unit.key
ORDER BY stage, unit.key;
