package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export"
)

func read(file string) *lifecycle.Record {
	f, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	r, err := lifecycle.Decode(f)
	if err != nil {
		panic(err)
	}
	return r
}

// What a format needs and the record does not tell is asked for by name. With
// the record in it, a report is read again as the record that it was.
func ExampleBoAmps() {
	record := read("../testdata/small.json")
	record.Environments[0].Infrastructure, record.Technology.ML.Task = "", ""
	lifecycle.FillMissing(record)
	_, err := export.BoAmps(io.Discard, record, export.Options{})
	if asked := (*export.InputError)(nil); errors.As(err, &asked) {
		for _, in := range asked.Inputs {
			fmt.Println(in.Option, "is not told:", in.Path)
		}
	}
	var report bytes.Buffer
	losses, err := export.BoAmps(&report, record, export.Options{Task: "regression", Infrastructure: "on-premise"})
	if err != nil {
		panic(err)
	}
	back, err := export.ReadBoAmps(&report)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(losses), "losses, the same run again:", back[0].Record.Run.ID == record.Run.ID)
	// Output:
	// Task is not told: /technology/ml/task
	// Infrastructure is not told: /environments/0/infrastructure
	// 0 losses, the same run again: true
}

// A card gets a record, and a second time nothing changes.
func ExampleIntoModelCard() {
	record := read("../testdata/small.json")
	card := []byte("---\nlicense: mit # as ever\n---\n# My model\n")
	once, _, err := export.IntoModelCard(card, record, export.Options{Record: "run.json"})
	if err != nil {
		panic(err)
	}
	front, _, _ := strings.Cut(string(once[4:]), "---")
	fmt.Print(front)
	twice, _, err := export.IntoModelCard(once, record, export.Options{Record: "run.json"})
	fmt.Println(bytes.Equal(once, twice), err)
	// Output:
	// license: mit # as ever
	// co2_eq_emissions:
	//   emissions: 3.9375
	//   source: ecotracer
	//   training_type: pre-training
	//   geographical_location: IS
	//   hardware_used: "2 x accelerator"
	//   energy_consumed: 0.140625
	//   on_cloud: false
	//   cpu_model: "16 cores"
	//   ram_total_size: 64
	//   hours_used: 0.194444
	// true <nil>
}

// Lines are read one by one, whatever the length of the file; one that cannot be
// read is an error of its own.
func ExampleReadCodeCarbon() {
	file := `timestamp,run_id,duration,emissions,energy_consumed,cpu_energy,country_iso_code,tracking_mode,pue
2026-03-02T11:30:00,a,3600,0.07,1.25,1.25,FRA,machine,1.25
2026-03-02T12:30:00,b,3600,0.07
`
	for row, err := range export.ReadCodeCarbon(strings.NewReader(file)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		imported, err := row.Record()
		if err != nil {
			panic(err)
		}
		t := imported.Record.Totals
		fmt.Printf("%s: %.0f J, %.0f J with the facility, %.0f gCO2e\n", imported.Where, t.EnergyJ.Value, t.FacilityEnergyJ.Value, t.OperationalGCO2e.Value)
		fmt.Println("guessed:", imported.Guesses[0].Path, imported.Guesses[0].Why)
	}
	// Output:
	// line 2: 3600000 J, 4500000 J with the facility, 70 gCO2e
	// guessed: /run/ended_at the line tells local time without its zone: taken for UTC
	// export: codecarbon: line 3: it has 4 fields and the file 9 columns, and it cannot be told which are left out
}

// Every format is a function of the same form, and tells what is lost.
func ExampleFormats() {
	record := read("../testdata/small.json")
	told := export.Options{ModelName: "small"}
	for _, f := range export.Formats() {
		var text bytes.Buffer
		losses, err := f.Write(&text, record, told)
		if asked := (*export.InputError)(nil); errors.As(err, &asked) {
			fmt.Println(f.Name, "asks for", asked.Inputs[0].Option)
			continue
		} else if err != nil {
			panic(err)
		}
		if len(losses) == 0 {
			fmt.Println(f.Name, "holds all of it")
		}
	}
	// Output:
	// boamps holds all of it
	// trace asks for Spans
}
