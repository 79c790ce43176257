-- The same of the records themselves, without a table: what did each stage come to?
-- records.ndjson may be compressed, records.ndjson.zst or .gz.
WITH stages AS (
  SELECT run.id AS run_id, UNNEST(phases) AS p
  FROM read_json('records.ndjson*', format = 'newline_delimited', maximum_object_size = 67108864, columns = {
    run: 'STRUCT(id VARCHAR)',
    phases: 'STRUCT(stage VARCHAR, "usage" STRUCT(hardware VARCHAR)[], energy_j STRUCT("value" DOUBLE), facility_energy_j STRUCT("value" DOUBLE), operational_gco2e STRUCT("value" DOUBLE), embodied_gco2e STRUCT("value" DOUBLE), water_l STRUCT("value" DOUBLE))[]'
  })
)
SELECT
  p.stage                            AS stage,
  COUNT(DISTINCT run_id)             AS runs,
  SUM(p.energy_j."value")            AS energy_j,
  SUM(p.facility_energy_j."value")   AS facility_energy_j,
  SUM(p.operational_gco2e."value")   AS operational_gco2e,
  SUM(p.embodied_gco2e."value")      AS embodied_gco2e,
  SUM(p.water_l."value")             AS water_l
FROM stages
WHERE len(p."usage") > 0
GROUP BY p.stage
ORDER BY p.stage;
