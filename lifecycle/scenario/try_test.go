package scenario

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	s, err := Parse("x.yaml", []byte(`
name: try
start: 2026
years: 6
places:
  dublin: {country: IE, provider: aws, region: eu-west-1, grid-decline: 4 %/year (2 to 6)}
devices:
  gpu: {kind: gpu, model: H100-SXM5-80GB, as-needed: true, busiest: 60 %}
services:
  chat:
    unit: request
    rate: 2 million requests/day (1 to 4)
    growth: 20 %/year (5 to 40)
    work:
      pre-training: {energy: 500 MWh (400 to 600)}
      fine-tuning: {energy: 5 MWh, every: 6 months}
      serving: {time: 0.5 s/request (0.3 to 0.8), on: gpu}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	t0 := time.Now()
	r, err := s.Run()
	fmt.Println(time.Since(t0), err)
	b, _ := json.MarshalIndent(r.Amortised.Total, "", " ")
	fmt.Println(string(b))
	b, _ = json.Marshal(r.Occurring.Phases)
	fmt.Println(string(b)[:1000], r.Parts, r.Fleets, r.Notes, r.PerUnit.GCO2e)
}
