package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Budget is how much privacy the runs of a site may lose in all that is ever
// told of them, and how much they have, kept in a file. Each release takes its
// part before it is made: what a budget no longer has cannot be spent, by
// however many processes at once.
//
// Losses are added up as zero-concentrated differential privacy (Bun and
// Steinke, TCC 2016): ρ adds up, and with ρ in all the loss is at most
// ε = ρ + 2√(ρ ln(1/δ)), but for a probability of δ. A release also adds to δ
// the probability that a group shows which only one run made.
type Budget struct{ path string }

const budgetSchema = "urn:ecotracer:privacy-budget:v1"

type budgetFile struct {
	Schema  string     `json:"schema"`
	Epsilon float64    `json:"epsilon"` // in all
	Delta   float64    `json:"delta"`
	Spent   []spending `json:"spent"`
}

// spending is what one release took.
type spending struct {
	At    string  `json:"at"`
	Rho   float64 `json:"rho"`
	Delta float64 `json:"delta"`
}

// CreateBudget makes a budget of ε and δ in a file that is not there yet.
func CreateBudget(path string, epsilon, delta float64) (*Budget, error) {
	if err := usablePrivacy(epsilon, delta); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(budgetFile{budgetSchema, epsilon, delta, []spending{}}, "", "  ")
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("dataset: budget: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("dataset: budget: %w", err)
	}
	return &Budget{path}, nil
}

// OpenBudget is the budget in a file.
func OpenBudget(path string) (*Budget, error) {
	if at, err := filepath.EvalSymlinks(path); err == nil {
		path = at // of a file with two names there is one lock, and one to be replaced
	}
	b := &Budget{path}
	_, err := b.read()
	return b, err
}

// Left is the ε that one release, or several, may still take together with
// this δ; 0 if it is used up.
func (b *Budget) Left(delta float64) (epsilon float64, err error) {
	f, err := b.read()
	if err != nil {
		return 0, err
	}
	low, high := 0., f.Epsilon
	for range 60 {
		middle := (low + high) / 2
		if f.allows(lossOf(middle, delta)) {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

func (b *Budget) read() (*budgetFile, error) {
	text, err := os.ReadFile(b.path)
	if err != nil {
		return nil, fmt.Errorf("dataset: budget: %w", err)
	}
	var f budgetFile
	if err := json.Unmarshal(text, &f); err != nil || f.Schema != budgetSchema || usablePrivacy(f.Epsilon, f.Delta) != nil {
		return nil, fmt.Errorf("dataset: budget: %s is no budget", b.path)
	}
	for _, s := range f.Spent {
		if !(s.Rho >= 0 && s.Delta >= 0) {
			return nil, fmt.Errorf("dataset: budget: %s tells of a release that gave privacy back", b.path)
		}
	}
	return &f, nil
}

// ErrBudget is the error of a release for which too little is left.
var ErrBudget = errors.New("the privacy budget does not allow it")

// spend takes a loss from the budget, or nothing at all.
func (b *Budget) spend(rho, delta float64) (err error) {
	unlock, err := lockFile(b.path + ".lock")
	if err != nil {
		return fmt.Errorf("dataset: budget: %w", err)
	}
	defer unlock()
	f, err := b.read()
	if err != nil {
		return err
	}
	if !f.allows(rho, delta) {
		return fmt.Errorf("dataset: budget: %w: of ε %g and δ %g in %s, %d releases have taken too much for this one", ErrBudget, f.Epsilon, f.Delta, b.path, len(f.Spent))
	}
	f.Spent = append(f.Spent, spending{time.Now().UTC().Format(time.RFC3339), rho, delta})
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(b.path, append(text, '\n')); err != nil {
		return fmt.Errorf("dataset: budget: %w", err)
	}
	return nil
}

// allows tells whether a further loss is within the budget.
func (f *budgetFile) allows(rho, delta float64) bool {
	left := f.Delta - delta
	for _, s := range f.Spent {
		rho += s.Rho
		left -= s.Delta
	}
	const slack = 1e-9 // rounding
	return left > 0 && rho+2*math.Sqrt(rho*math.Log(1/left)) <= f.Epsilon*(1+slack)
}

// usablePrivacy tells what is wrong with ε and δ.
func usablePrivacy(epsilon, delta float64) error {
	if !(epsilon >= 1e-6 && epsilon <= 100 && delta >= 1e-100 && delta < 0.1) {
		return fmt.Errorf("dataset: privacy: ε is 1e-6 to 100, δ above 1e-100 and far below one in the number of runs; they are %g and %g", epsilon, delta)
	}
	return nil
}

// lossOf is what a release of ε and δ takes: half of δ for the noise, half for
// which groups show.
func lossOf(epsilon, delta float64) (rho, groups float64) {
	l := math.Log(2 / delta)
	root := epsilon / (math.Sqrt(l+epsilon) + math.Sqrt(l)) // √(l+ε) − √l, without cancellation
	return root * root, delta / 2
}

// lockFile makes a file that only one process can make, and waits for some
// seconds for another that has.
func lockFile(path string) (unlock func(), err error) {
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_ = f.Close()
			return func() { _ = os.Remove(path) }, nil
		}
		removing := runtime.GOOS == "windows" && errors.Is(err, fs.ErrPermission)
		if !errors.Is(err, fs.ErrExist) && !removing {
			return nil, err
		}
		select {
		case <-deadline.C:
			return nil, fmt.Errorf("%s is there: another process uses the budget, or one ended while it did; if none does, remove that file", path)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// replaceFile writes a file such that it is there in full or as it was.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
