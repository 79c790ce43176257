package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/scenario"
)

// twinning is what one call of `twin` is to do.
type twinning struct {
	question, example string
	from              string // a record that a scenario is made of
	set               map[string]string
	optimise, json    bool
}

// twin is all that is told of a scenario.
type twin struct {
	Result  *scenario.Result            `json:"result"`
	Answers map[string]*scenario.Answer `json:"answers,omitempty"`
	Matters []scenario.Influence        `json:"what_matters"`
	Optimum *scenario.Optimum           `json:"optimum,omitempty"`
}

func declareTwin(c *cli, flags *flag.FlagSet) func([]string) int {
	t := twinning{set: map[string]string{}}
	flags.StringVar(&t.question, "question", "", "")
	flags.StringVar(&t.example, "example", "", "")
	flags.StringVar(&t.from, "from", "", "")
	flags.Func("set", "", func(text string) error {
		path, value, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			return errors.New("write path=value, such as devices.gpu.lifetime='6 years'")
		}
		t.set[strings.TrimSpace(path)] = strings.TrimSpace(value)
		return nil
	})
	flags.BoolVar(&t.optimise, "optimise", false, "")
	flags.BoolVar(&t.json, "json", false, "")
	return func(files []string) int {
		switch {
		case t.example != "" && len(files) == 0:
			text, err := scenario.Example(t.example)
			if err != nil {
				return c.usage("twin", "--example: %s", err)
			}
			_, _ = c.out.Write(text) // results remembers a failure
			return exitOK
		case t.from != "" && t.example == "" && len(files) == 0:
			return c.scenarioFrom(t.from)
		case t.example != "" || t.from != "" || len(files) != 1:
			return c.usage("twin", "it takes one scenario; write `ecotracer twin scenario.yaml`, and for one to begin with `ecotracer twin --example llm-service`, or `ecotracer twin --from RECORD.json`")
		}
		return c.twin(files[0], t)
	}
}

// scenarioFrom writes a scenario that is made of a record.
func (c *cli) scenarioFrom(file string) int {
	r := c.valid("twin", file)
	if r == nil {
		return exitFound
	}
	text, err := scenario.FromRecord(file, r)
	if err != nil {
		c.complain("twin", "%s: %s", file, strings.TrimPrefix(bare(err), "scenario: "))
		return exitFound
	}
	_, _ = c.out.Write(text) // results remembers a failure
	return exitOK
}

// maxScenario is how much of a file is read: one byte more than a scenario may have.
const maxScenario = 1<<20 + 1

// twin tells what a scenario comes to.
func (c *cli) twin(file string, t twinning) int {
	s := c.scenario(file)
	if s == nil {
		return exitFound
	}
	if t.question != "" {
		if _, ok := s.Questions[t.question]; !ok {
			return c.usage("twin", "%s asks no question %q: it asks %s", file, t.question, cmp.Or(strings.Join(slices.Sorted(maps.Keys(s.Questions)), ", "), "none"))
		}
	}
	if len(t.set) > 0 {
		changed, err := s.With(t.set)
		if err != nil {
			return c.usage("twin", "--set %s", bare(err))
		}
		s = changed
	}
	told, err := lived(s, t)
	if err != nil {
		c.complain("twin", "%s: %s", file, bare(err))
		return exitFound
	}
	if t.json {
		return c.json(told)
	}
	p := page{style: styleOf(c.out), marks: marksHere()}
	switch {
	case t.question != "":
		p.question(t.question, s.Questions[t.question], told)
	default:
		p.lived(s, told)
	}
	if told.Optimum != nil {
		p.optimum(told)
	}
	p.printTo(c.out)
	return exitOK
}

// scenario reads one, and tells what is wrong with it line by line.
func (c *cli) scenario(file string) *scenario.Scenario {
	in, err := c.open(file)
	if err != nil {
		c.complain("twin", "%s: %s", file, reason(err))
		return nil
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxScenario))
	if err != nil {
		c.complain("twin", "%s: %s", file, reason(err))
		return nil
	}
	s, err := scenario.Parse(file, text, func(name string) (*lifecycle.Record, error) {
		if !filepath.IsAbs(name) && file != "-" {
			name = filepath.Join(filepath.Dir(file), name)
		}
		r, err := c.read(name)
		if err != nil {
			return nil, errors.New(unread(err))
		}
		if n := errorsOf(r); n > 0 {
			return nil, fmt.Errorf("this record is not valid; `ecotracer validate` tells why (%s)", inwords.Plural(n, "error"))
		}
		return r, nil
	})
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			c.complain("twin", "%s", line)
		}
		return nil
	}
	return s
}

// lived computes all that is asked.
func lived(s *scenario.Scenario, t twinning) (*twin, error) {
	told := &twin{Answers: map[string]*scenario.Answer{}}
	var err error
	if told.Result, err = s.Run(); err != nil {
		return nil, err
	}
	for name, q := range s.Questions {
		if t.question != "" && t.question != name {
			continue
		}
		if told.Answers[name], err = s.Ask(q); err != nil {
			return nil, fmt.Errorf("question %s: %w", name, err)
		}
	}
	if told.Matters, err = s.Tornado(s.Minimise, false); err != nil {
		return nil, err
	}
	if t.optimise {
		told.Optimum, err = s.Optimise()
	}
	return told, err
}
