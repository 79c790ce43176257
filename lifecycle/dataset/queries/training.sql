-- What did training take, by kind of training and size of the model (decades of
-- parameters)?
SELECT
  training_type,
  FLOOR(LOG10(NULLIF(parameters, 0)))                               AS decade_of_parameters,
  COUNT(DISTINCT run_id)                                            AS runs,
  SUM(energy_j)                                                     AS energy_j,
  SUM(energy_j) / COUNT(DISTINCT run_id)                            AS energy_j_per_run,
  SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0)) AS gco2e
FROM flat
WHERE phase = 'training'
GROUP BY training_type, FLOOR(LOG10(NULLIF(parameters, 0)))
ORDER BY training_type, decade_of_parameters;
