-- How do energy and emissions go from month to month? The month is that in which
-- a stage began; estimates of runs to come have none.
SELECT
  month,
  COUNT(DISTINCT run_id)                                            AS runs,
  SUM(energy_j)                                                     AS energy_j,
  SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0)) AS gco2e,
  SUM(operational_gco2e) / NULLIF(SUM(facility_energy_j), 0) * 3.6e6 AS gco2e_per_kwh
FROM flat
GROUP BY month
ORDER BY month;
