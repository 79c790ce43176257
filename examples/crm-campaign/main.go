// Command crm-campaign prepares a mailing to customers: it sorts them into groups,
// has a language model write a subject line for each, fills in the letters, and
// hands them to a mailing service. It tells what a contact came to, in grams.
//
// Nearly all of it is used where no meter of this machine can see it. Factors stand
// for that: of prompts and mails those that ecotracer knows, of the mailing service
// that which its operator states, as a table of one's own (Site.Factors) may hold.
// Nothing is sent: the customers are made up, and the subject lines are from a
// list.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"text/template"

	"github.com/ecotracer/ecotracer/factors"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

const (
	groups = 6
	drafts = 5 // that the model writes for each group
)

// relay is what the operator of the mailing service states of one mail that it
// passes on; made up for this example.
var relay = factors.Factor{
	ID: "service.relay", Kind: factors.Service, Value: 0.02, Low: 0.01, High: 0.04, Unit: "gCO2e/call",
	Basis: "lifecycle", GWP: "AR6", Source: "statement of the mailing service, made up for this example", SourceYear: 2026, Licence: "CC0-1.0", Quality: "C",
}

func main() {
	contacts := flag.Int("contacts", 20_000, "customers that are written to")
	flag.Parse()
	if _, err := run(context.Background(), *contacts, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// customer is one that has bought something.
type customer struct {
	name   string
	visits float64 // a month
	spent  float64
	group  int
}

// run traces the campaign and tells what it took.
func run(ctx context.Context, contacts int, out io.Writer, opts ...tracer.Option) (*lifecycle.Record, error) {
	if contacts < groups {
		return nil, fmt.Errorf("-contacts is at least %d", groups)
	}
	ctx, run, err := tracer.Begin(ctx, append([]tracer.Option{
		tracer.Named("crm-campaign"), tracer.At(tracer.Site{Factors: []factors.Factor{relay}}),
		tracer.UseCase(lifecycle.UseCase{
			Sector:  &lifecycle.Sector{Scheme: "NACE-2.1", Code: "73.11", Label: "advertising agencies"},
			Purpose: "write to customers", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "contacts", Path: "send"},
		}),
		tracer.Technology(lifecycle.Technology{Kind: "other", Other: &lifecycle.Other{Description: "a mailing, with subject lines by a language model"}}),
	}, opts...)...)
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	workErr := campaign(ctx, contacts, out)
	run.Fail(workErr)
	record, err := run.End()
	tell(out, record)
	return record, errors.Join(workErr, err)
}

// campaign is all of the work.
func campaign(ctx context.Context, contacts int, out io.Writer) error {
	all := customers(contacts)
	segment(ctx, all)
	subjects := write(ctx)
	size, err := send(ctx, all, subjects)
	fmt.Fprintf(out, "%d letters of %d bytes on average, in %d groups\n", len(all), size/len(all), groups)
	return err
}

// customers are made up.
func customers(n int) []customer {
	rng := rand.New(rand.NewPCG(3, 4))
	all := make([]customer, n)
	for i := range all {
		all[i] = customer{name: fmt.Sprintf("customer %d", i+1), visits: 4 * rng.ExpFloat64(), spent: math.Exp(4 + rng.NormFloat64())}
	}
	return all
}

// segment sorts the customers into groups of those that are alike (Lloyd's k-means,
// of visits and of the logarithm of what they spent).
func segment(ctx context.Context, all []customer) {
	_, span := tracer.Start(ctx, "segment", tracer.In(lifecycle.Processing))
	defer span.End()
	span.Count("contacts", len(all))
	at := func(c *customer) (x, y float64) { return c.visits, math.Log(c.spent) }
	var middles [groups][2]float64
	for g := range middles {
		middles[g][0], middles[g][1] = at(&all[g*len(all)/groups])
	}
	for range 50 {
		var sums [groups][3]float64
		for i := range all {
			c := &all[i]
			x, y := at(c)
			nearest := math.Inf(1)
			for g, m := range middles {
				if d := (x-m[0])*(x-m[0]) + (y-m[1])*(y-m[1]); d < nearest {
					nearest, c.group = d, g
				}
			}
			s := &sums[c.group]
			s[0], s[1], s[2] = s[0]+x, s[1]+y, s[2]+1
		}
		for g, s := range sums {
			if s[2] > 0 {
				middles[g] = [2]float64{s[0] / s[2], s[1] / s[2]}
			}
		}
	}
}

// write has a language model draft subject lines: inference, elsewhere. What it
// would have answered stands in a list.
func write(ctx context.Context) (subjects [groups]string) {
	_, span := tracer.Start(ctx, "write subjects", tracer.In(lifecycle.Serving))
	defer span.End()
	answers := [groups]string{
		"We have missed you", "Something for your next visit", "Thank you, again", "New this week", "For those who come often", "A quiet offer",
	}
	for g := range subjects {
		span.Call("gemini-prompt", drafts)
		span.Count("prompts", drafts)
		subjects[g] = answers[g]
	}
	return subjects
}

var letter = template.Must(template.New("letter").Parse(`Subject: {{.Subject}}

Dear {{.Name}},

you came {{printf "%.1f" .Visits}} times a month. Show this letter and have a tenth off.
`))

// send fills in the letters, signs them, and hands them over: each goes through the
// mailing service to a mailbox.
func send(ctx context.Context, all []customer, subjects [groups]string) (bytesSent int, err error) {
	_, span := tracer.Start(ctx, "send", tracer.In(lifecycle.Transfer))
	defer span.End()
	defer func() { span.Fail(err) }()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // no secret: nothing is sent
	var text bytes.Buffer
	for i := range all {
		c := &all[i]
		text.Reset()
		err = letter.Execute(&text, map[string]any{"Subject": subjects[c.group], "Name": c.name, "Visits": c.visits})
		if err != nil {
			return bytesSent, err
		}
		bytesSent += text.Len() + len(ed25519.Sign(key, text.Bytes()))
	}
	span.Count("contacts", len(all))
	span.Call("relay", len(all))
	span.Call("email-mailing", len(all))
	return bytesSent, nil
}

// tell says in words what the campaign took, stage by stage. What the machine itself
// took is a part of each, and next to nothing.
func tell(out io.Writer, r *lifecycle.Record) {
	for _, p := range r.Phases {
		if p.OperationalGCO2e == nil {
			continue
		}
		asked := ""
		for _, u := range p.Usage {
			if u.Calls != nil {
				asked += fmt.Sprintf(", %d × %s", u.Calls.Count, u.Hardware)
			}
		}
		fmt.Fprintf(out, "%-18s %9.4g gCO2e%s\n", p.Stage, p.OperationalGCO2e.Value, asked)
	}
	if u := r.Totals.PerUnit; u != nil {
		fmt.Fprintf(out, "%.3f gCO2e a contact (95 %%: %.3f to %.3f)\n", u.GCO2e.Value, u.GCO2e.Low, u.GCO2e.High)
	}
}
