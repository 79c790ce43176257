package declared_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
	"github.com/ecotracer/ecotracer/tracer/meter"
	"github.com/ecotracer/ecotracer/tracer/meter/declared"
)

// A smart plug is asked over HTTP for the power of the machine behind it.
func Example() {
	plug := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"apower": 61.5}`)
	}))
	defer plug.Close()

	node, err := declared.NewPower(meter.Domain{
		ID:       "node0",
		Method:   lifecycle.Metered, // an instrument outside the machine
		RelError: 0.02,
		Sensor:   "smart-plug",
		Update:   10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	ask := func() error {
		answer, err := http.Get(plug.URL)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		var now struct{ APower float64 }
		if err := json.NewDecoder(answer.Body).Decode(&now); err != nil {
			return err
		}
		return node.Tell(now.APower)
	}
	if err := ask(); err != nil {
		log.Fatal(err)
	}
	stop := make(chan struct{})
	go func() {
		for tick := time.NewTicker(10 * time.Second); ; {
			select {
			case <-tick.C:
				_ = ask() // a plug that does not answer leaves a gap, and the record tells
			case <-stop:
				return
			}
		}
	}()
	defer close(stop)

	ctx, run, err := tracer.Begin(context.Background(), tracer.Meters(node), tracer.Sinks(nowhere{}))
	if err != nil {
		log.Fatal(err)
	}
	_, span := tracer.Start(ctx, "train")
	// ...
	span.End()
	record, err := run.End()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(record.Ledger[0].Domain, record.Ledger[0].Method)
	// Output: node0 metered
}

// A power strip counts kWh; its readings are told in joules.
func ExampleEnergy() {
	strip, err := declared.NewEnergy(meter.Domain{ID: "node0", Method: lifecycle.Metered, RelError: 0.01, Sensor: "pdu", Update: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	for _, kWh := range []float64{1024.350, 1024.362} {
		if err := strip.Tell(kWh * 3.6e6); err != nil {
			log.Fatal(err)
		}
	}
	samples, err := strip.Read(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f J\n", samples[0].Joules)
	fmt.Println(strip.Tell(-1))
	// Output:
	// 43200 J
	// declared: domain "node0" was told -1 J: want a number that is not negative; nothing was changed
}

// A cloud bill says that the machine draws 38 W on average.
func ExamplePower() {
	bill, err := declared.NewPower(meter.Domain{ID: "node0", RelError: 0.3, Sensor: "bill"})
	if err != nil {
		log.Fatal(err)
	}
	if err := bill.Tell(38); err != nil { // it holds for ever, as the domain has no Update
		log.Fatal(err)
	}
	fmt.Println(bill.Domains()[0].Method)
	// Output: declared
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Write(context.Context, *lifecycle.Record) error { return nil }
