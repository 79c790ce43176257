package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle/export/chart"
)

func TestChartDrawsWhatTheNameOfTheFileSays(t *testing.T) {
	r, dir := measured(t), t.TempDir()
	path := file(t, r)

	out := filepath.Join(dir, "phases.svg")
	got := call("", "chart", path, "-o", out)
	require.Zero(t, got.code, got.err)
	assert.Equal(t, chart.Text(r)+"\n", got.out, "what is to be seen, in words")
	picture, err := os.ReadFile(out)
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, chart.SVG(&want, r, chart.None))
	assert.Equal(t, want.Bytes(), picture)

	out = filepath.Join(dir, "phases.PNG")
	got = call(string(encoded(t, r)), "chart", "-", "--o", out, "--background", "dark")
	require.Zero(t, got.code, got.err)
	f, err := os.Open(out)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	red, _, _, alpha := img.At(0, 0).RGBA()
	assert.Equal(t, []uint32{0x0d0d, 0xffff}, []uint32{red, alpha})
}

func TestChartTellsWhatItCannotDraw(t *testing.T) {
	good, dir := file(t, measured(t)), t.TempDir()
	wrong := measured(t)
	wrong.Totals.EnergyJ.Value *= 2
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no record":         {[]string{"-o", "x.svg"}, 2, "`ecotracer chart FILE -o phases.svg`"},
		"two records":       {[]string{good, good, "-o", "x.svg"}, 2, "it takes one record"},
		"no name":           {[]string{good}, 2, "write -o FILE.svg or -o FILE.png"},
		"another format":    {[]string{good, "-o", "x.jpg"}, 2, `-o "x.jpg"`},
		"another colour":    {[]string{good, "-o", "x.svg", "--background", "pink"}, 2, `"pink": write none, light or dark`},
		"no such record":    {[]string{dir + "/none.json", "-o", dir + "/x.svg"}, 1, "there is no such file"},
		"an invalid record": {[]string{file(t, wrong), "-o", dir + "/x.svg"}, 1, "not valid"},
		"no such folder":    {[]string{good, "-o", dir + "/none/x.svg"}, 1, "none/x.svg: it cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call("", append([]string{"chart"}, test.args...)...)
			assert.Equal(t, test.code, got.code)
			assert.Empty(t, got.out)
			assert.Contains(t, got.err, test.says)
			_, err := os.Stat(dir + "/x.svg")
			assert.ErrorIs(t, err, os.ErrNotExist, "nothing is written")
		})
	}
}
