package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportIsOnePageOfTheRecords(t *testing.T) {
	a, b := file(t, measured(t)), file(t, ofEnergy(t, 1.5))
	out := filepath.Join(t.TempDir(), "page.html")
	r := call("", "report", a, b, "-o", out, "--title", "before & after")
	require.Zero(t, r.code, r.err)
	assert.Regexp(t, "^"+regexp.QuoteMeta(out)+": page of 2 records, [0-9]+ kB\n$", r.out)
	page, err := os.ReadFile(out)
	require.NoError(t, err)
	for _, says := range []string{"<h1><bdi>before &amp; after</bdi></h1>", "B emits more than A"} {
		assert.True(t, strings.Contains(string(page), says), says)
	}

	r = call(string(encoded(t, measured(t))), "report", "-", "-o", "-")
	require.Zero(t, r.code, r.err)
	assert.True(t, strings.Contains(r.out, "<h1><bdi>wing beats</bdi></h1>"))
	assert.True(t, strings.HasSuffix(r.out, "</html>\n"))

	t.Chdir(t.TempDir())
	r = call("", "report", a)
	require.Zero(t, r.code, r.err)
	assert.Contains(t, r.out, "report.html: page of 1 record, ", "that is where it goes")
	assert.FileExists(t, "report.html")
}

func TestReportRefusesWhatItCannotTell(t *testing.T) {
	good := file(t, measured(t))
	wrong := measured(t)
	wrong.Totals.EnergyJ.Value++
	bad := file(t, wrong)
	noRecord := filepath.Join(t.TempDir(), "x.json")
	require.NoError(t, os.WriteFile(noRecord, []byte("{}"), 0o644))
	out := filepath.Join(t.TempDir(), "page.html")
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":          {nil, 2, "ecotracer report FILE"},
		"too many":         {[]string{good, good, good, good, good, good, good, good, good}, 2, "8 records at most, not 9"},
		"no file":          {[]string{filepath.Join(t.TempDir(), "none.json")}, 1, "there is no such file"},
		"no record":        {[]string{noRecord}, 1, noRecord},
		"invalid":          {[]string{good, bad, "-o", out}, 1, bad + ": this record is not valid; `ecotracer validate` tells why"},
		"nowhere to write": {[]string{good, "-o", filepath.Join(t.TempDir(), "none", "x.html")}, 1, "it cannot be written (no such file or directory)"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", append([]string{"report"}, test.args...)...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
		})
	}
	_, err := os.Stat(out)
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is written")
}
