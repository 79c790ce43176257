-- What did each phase of the life cycle come to: training, inference, use,
-- production and end of life of the devices?
SELECT
  phase,
  COUNT(DISTINCT run_id)                                                  AS runs,
  SUM(energy_j)                                                           AS energy_j,
  SUM(facility_energy_j)                                                  AS facility_energy_j,
  SUM(operational_gco2e)                                                  AS operational_gco2e,
  SUM(embodied_gco2e)                                                     AS embodied_gco2e,
  SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0))       AS gco2e,
  SUM(water_l)                                                            AS water_l
FROM flat
GROUP BY phase
ORDER BY gco2e DESC, phase;
