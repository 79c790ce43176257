-- The table that the questions here ask, from Parquet; for a table in folders
-- such as phase=training/month=2026-03 write 'table/**/*.parquet'. The files have
-- the columns of the folders' names too.
CREATE OR REPLACE VIEW flat AS
SELECT * FROM read_parquet('table.parquet', hive_partitioning = false);
