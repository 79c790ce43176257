package export_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

// A record goes to a run of MLflow's server that is there already; without RunID
// one is made.
func ExampleMLflow_Log() {
	f, err := os.Open("ecotracer-records/run.json")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	record, err := lifecycle.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	server := export.MLflow{URL: os.Getenv("MLFLOW_TRACKING_URI"), RunID: os.Getenv("MLFLOW_RUN_ID")}
	run, lost, err := server.Log(context.Background(), record, export.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run, "has the record, but for", len(lost), "parts of it")
}
