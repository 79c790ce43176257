-- Where was how much used, and by which electricity?
SELECT
  country,
  COUNT(DISTINCT run_id) AS runs,
  SUM(energy_j)          AS energy_j,
  SUM(facility_energy_j) AS facility_energy_j,
  SUM(operational_gco2e) AS operational_gco2e,
  SUM(water_l)           AS water_l
FROM flat
GROUP BY country
ORDER BY facility_energy_j DESC, country;
