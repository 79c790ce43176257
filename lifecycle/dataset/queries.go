package dataset

import "embed"

// Queries are questions to the flat table in SQL, each a file that says in a
// comment what it answers, with README.md on how to put them to DuckDB, Spark,
// Trino and ClickHouse. What they answer agrees with a [Summary].
var Queries = queries

//go:embed queries/*.sql queries/README.md
var queries embed.FS
