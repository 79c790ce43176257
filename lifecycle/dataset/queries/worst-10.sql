-- Which ten runs emitted most, in all stages and with their share of production?
SELECT
  run_id,
  ANY_VALUE(kind)                                                   AS kind,
  ANY_VALUE(task)                                                   AS task,
  ANY_VALUE(model)                                                  AS model,
  ANY_VALUE(run_s) / 3600                                           AS hours,
  SUM(energy_j)                                                     AS energy_j,
  SUM(COALESCE(operational_gco2e, 0) + COALESCE(embodied_gco2e, 0)) AS gco2e
FROM flat
GROUP BY run_id
ORDER BY gco2e DESC, run_id
LIMIT 10;
