-- How was the energy obtained: by a meter, a counter of the hardware, a model, or
-- by declaration? And how large is the share of each?
SELECT
  method,
  COUNT(DISTINCT run_id)                         AS runs,
  SUM(energy_j)                                  AS energy_j,
  SUM(energy_j) / NULLIF(SUM(SUM(energy_j)) OVER (), 0) AS share
FROM flat
WHERE energy_j IS NOT NULL
GROUP BY method
ORDER BY energy_j DESC, method;
