-- Which stage on which hardware took how much, and for how long was the hardware
-- held? The median is of what a run took in that stage on that hardware, of runs
-- that tell all of it.
WITH run AS (
  SELECT
    stage, hardware_model, run_id,
    SUM(energy_j)                                                     AS energy_j,
    SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0)) AS gco2e,
    SUM(device_s)                                                     AS device_s,
    COUNT(CASE WHEN energy_j IS NULL THEN 1 END)                      AS unknown
  FROM flat
  GROUP BY stage, hardware_model, run_id
)
SELECT
  stage, hardware_model,
  COUNT(*)                                                  AS runs,
  SUM(energy_j)                                             AS energy_j,
  SUM(gco2e)                                                AS gco2e,
  SUM(device_s) / 3600                                      AS device_hours,
  QUANTILE_DISC(CASE WHEN unknown = 0 THEN energy_j END, 0.5) AS median_energy_j
FROM run
GROUP BY stage, hardware_model
ORDER BY gco2e DESC, stage, hardware_model;
