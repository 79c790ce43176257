-- How is the energy of a run distributed, by kind of technology? Of runs that
-- tell all of it. Rows of production and end of life take no energy of the run.
WITH run AS (
  SELECT kind, run_id, SUM(energy_j) AS energy_j
  FROM flat
  GROUP BY kind, run_id
  HAVING COUNT(CASE WHEN energy_j IS NULL AND (phase NOT IN ('production', 'end-of-life') OR stage = 'end-of-life/retirement') THEN 1 END) = 0
)
SELECT
  kind,
  COUNT(energy_j)                AS runs,
  MIN(energy_j)                  AS least,
  QUANTILE_DISC(energy_j, 0.05)  AS p5,
  QUANTILE_DISC(energy_j, 0.25)  AS p25,
  QUANTILE_DISC(energy_j, 0.50)  AS p50,
  QUANTILE_DISC(energy_j, 0.75)  AS p75,
  QUANTILE_DISC(energy_j, 0.95)  AS p95,
  MAX(energy_j)                  AS greatest
FROM run
GROUP BY kind
ORDER BY kind;
