package report_test

import (
	"bytes"
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

func ExampleWrite() {
	f, err := os.Open("../../testdata/small.json")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	record, err := lifecycle.Decode(f)
	if err != nil {
		panic(err)
	}
	var page bytes.Buffer // or a file, report.html
	if err := report.Write(&page, []*lifecycle.Record{record}, report.Options{Title: "Nightly training"}); err != nil {
		panic(err)
	}
	fmt.Println(bytes.Contains(page.Bytes(), []byte("<title>Nightly training")), page.Len() < 1<<20)
	// Output: true true
}
