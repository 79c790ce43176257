-- Of each class of hardware: what did its use emit, and what its share of
-- production and end of life?
SELECT
  hardware_class,
  COUNT(DISTINCT run_id)      AS runs,
  SUM(device_s) / 3600        AS device_hours,
  SUM(operational_gco2e)      AS operational_gco2e,
  SUM(embodied_gco2e)         AS embodied_gco2e,
  SUM(embodied_adpe_kgsbeq)   AS adpe_kgsbeq,
  SUM(embodied_waste_kg)      AS waste_kg
FROM flat
GROUP BY hardware_class
ORDER BY hardware_class;
