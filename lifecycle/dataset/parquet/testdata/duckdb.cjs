// Runs SQL in DuckDB: reads {"threads": n, "run": [sql, …]} from standard input
// and prints the rows of each statement, with the time that each took. The folder
// that holds node_modules is in ECOTRACER_DUCKDB.
const path = require("path");
const { DuckDBInstance } = require(path.join(process.env.ECOTRACER_DUCKDB, "node_modules", "@duckdb", "node-api"));

async function main() {
	let text = "";
	for await (const chunk of process.stdin) text += chunk;
	const request = JSON.parse(text);
	const options = { autoinstall_known_extensions: "false", autoload_known_extensions: "false" };
	if (request.threads) options.threads = String(request.threads);
	const db = await (await DuckDBInstance.create(":memory:", options)).connect();
	const results = [];
	for (const sql of request.run) {
		const begin = process.hrtime.bigint();
		const rows = (await db.runAndReadAll(sql)).getRowObjectsJson();
		results.push({ rows, seconds: Number(process.hrtime.bigint() - begin) / 1e9 });
	}
	process.stdout.write(JSON.stringify({ results, peak: process.resourceUsage().maxRSS * 1024 }));
}

main().catch((err) => {
	process.stderr.write(String(err && err.message ? err.message : err) + "\n");
	process.exit(1);
});
