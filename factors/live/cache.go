package live

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/factors"
)

// Cache asks a source and keeps what it told in a folder, by provider and its
// address, zone, kind, basis and hour. A question of the same hours is then answered from
// there: history that has settled for 90 days, a forecast for half an hour, the
// current figure and history that is still estimated for ten minutes. Where the
// source fails, what is older is used and Source says so: of a forecast that is
// up to 12 hours old, of the current figure up to 6.
//
// Nothing of a key is in a file or its name. Files are written whole or not at
// all; one that cannot be read is not used and is replaced. The oldest go when
// there are more than 1000 files or 64 MiB. Several processes may share a
// folder. What cannot be kept is no error.
type Cache struct {
	Source factors.GridSource
	Dir    string // made at need
	Name   string // tells sources apart that are not of this package; not needed otherwise
}

var _ factors.GridSource = (*Cache)(nil)

// Current is the source's, or that of the last minutes.
func (c *Cache) Current(ctx context.Context, q factors.Query) (factors.Factor, error) {
	return c.ask(current, q, time.Time{}, time.Time{}, func(time.Time, time.Time) (factors.Factor, error) {
		return c.Source.Current(ctx, q)
	})
}

// History is the source's, from one full hour to another.
func (c *Cache) History(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return c.ask(past, q, from, to, func(from, to time.Time) (factors.Factor, error) {
		return c.Source.History(ctx, q, from, to)
	})
}

// Forecast is the source's, from one full hour to another.
func (c *Cache) Forecast(ctx context.Context, q factors.Query, from, to time.Time) (factors.Factor, error) {
	return c.ask(future, q, from, to, func(from, to time.Time) (factors.Factor, error) {
		return c.Source.Forecast(ctx, q, from, to)
	})
}

// How long what is kept is good, and how much is kept.
const (
	settled     = 48 * time.Hour // after which history is no longer corrected
	freshPast   = 90 * 24 * time.Hour
	freshFuture = 30 * time.Minute
	freshNow    = 10 * time.Minute
	staleFuture = 12 * time.Hour
	staleNow    = 6 * time.Hour

	suffix       = ".ecotracer-grid.json"
	maxCacheFile = 8 << 20
	maxCache     = 64 << 20
	maxFiles     = 1000
)

// kept is a file of the cache.
type kept struct {
	Key    string         `json:"key"`
	Stored time.Time      `json:"stored"`
	Factor factors.Factor `json:"factor"`
}

func (c *Cache) ask(t tense, q factors.Query, from, to time.Time, source func(from, to time.Time) (factors.Factor, error)) (factors.Factor, error) {
	if t != current {
		from, to = from.UTC().Truncate(time.Hour), to.UTC().Add(time.Hour-1).Truncate(time.Hour)
	}
	key, ok := c.key(t, q, from, to)
	if !ok || c.Dir == "" {
		return source(from, to)
	}
	path := filepath.Join(c.Dir, fileName(key))
	old, found := readKept(path, key, q)
	age := time.Since(old.Stored)
	fresh, stale := old.ages(t, to)
	if found && age <= fresh {
		old.Factor.Source += "; from the cache"
		return old.Factor, nil
	}
	f, err := source(from, to)
	if err == nil {
		_ = c.keep(path, kept{key, time.Now().UTC(), f})
		return f, nil
	}
	if found && age <= stale {
		old.Factor.Source += "; from the cache, because " + reason(err)
		return old.Factor, nil
	}
	return factors.Factor{}, err
}

// ages are how long a figure is used without asking, and instead of an answer.
func (k *kept) ages(t tense, to time.Time) (fresh, stale time.Duration) {
	switch {
	case t == future:
		return freshFuture, staleFuture
	case t == current:
		return freshNow, staleNow
	case k.Stored.Sub(to) < settled:
		return freshNow, freshPast // of its hours it is still the best that there is
	}
	return freshPast, freshPast
}

// key is what a figure is kept under; not for a question that no source would
// answer.
func (c *Cache) key(t tense, q factors.Query, from, to time.Time) (string, bool) {
	name, base, basis := c.Name, "", cmp.Or(q.Basis, "lifecycle")
	place := strings.Join([]string{q.Country, q.Region, q.Zone, q.Provider, q.CloudRegion}, "|")
	if s, ours := c.Source.(source); ours {
		tr, _ := s.traits() // without an access key, what was kept is good all the same
		z, err := s.locate(q)
		if err != nil || tr.kind != q.Kind {
			return "", false
		}
		name, base, place = tr.slug, tr.base, z.name+"|"+z.geography
	}
	if name == "" {
		return "", false
	}
	hours := ""
	if t != current {
		hours = stamp(from) + "|" + stamp(to)
	}
	return strings.Join([]string{name, place, string(q.Kind), basis, string(t), hours, base}, "|"), true
}

func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16]) + suffix
}

// readKept reads a file, if it holds what it should.
func readKept(path, key string, q factors.Query) (kept, bool) {
	file, err := os.Open(path)
	if err != nil {
		return kept{}, false
	}
	defer func() { _ = file.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(file, maxCacheFile+1))
	if err != nil || len(body) > maxCacheFile {
		return kept{}, false
	}
	var k kept
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return kept{}, false
	}
	good := k.Key == key && k.Factor.Check() == nil && k.Factor.Kind == q.Kind && !k.Stored.After(time.Now().Add(time.Minute)) &&
		k.Factor.Basis == cmp.Or(q.Basis, "lifecycle") && goodSeries(k.Factor.Series)
	return k, good
}

func goodSeries(s *factors.Series) bool {
	if s == nil {
		return true
	}
	_, err := time.Parse(time.RFC3339, s.Start)
	bad := func(v float64) bool { return !(v >= 0 && v <= absurd) }
	return err == nil && s.StepS >= 1 && len(s.Value) > 0 && len(s.Value) <= maxPoints && !slices.ContainsFunc(s.Value, bad)
}

// keep writes a file, whole or not at all, and makes room.
func (c *Cache) keep(path string, k kept) error {
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if len(body) > maxCacheFile {
		return fmt.Errorf("a figure of %d bytes is not kept", len(body))
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(c.Dir, "*"+suffix+".tmp")
	if err != nil {
		return err
	}
	_, err = temporary.Write(body)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return makeRoom(c.Dir, time.Now())
}

// makeRoom removes what is too old or too much, of our files only.
func makeRoom(dir string, now time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type ours struct {
		name string
		size int64
		at   time.Time
	}
	var files []ours
	for _, e := range entries {
		left := strings.HasSuffix(e.Name(), suffix+".tmp") // behind by a process that was killed
		if !left && !strings.HasSuffix(e.Name(), suffix) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // another process removed it
		}
		if left && now.Sub(info.ModTime()) < time.Hour {
			continue
		}
		if left {
			err = remove(dir, e.Name())
		} else {
			files = append(files, ours{e.Name(), info.Size(), info.ModTime()})
		}
		if err != nil {
			return err
		}
	}
	slices.SortFunc(files, func(a, b ours) int { return cmp.Or(b.at.Compare(a.at), strings.Compare(a.name, b.name)) })
	var size int64
	for i, f := range files {
		if size += f.size; size > maxCache || i >= maxFiles || now.Sub(f.at) > freshPast {
			if err := remove(dir, f.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func remove(dir, name string) error {
	err := os.Remove(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
