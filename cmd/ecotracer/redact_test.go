package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// private is a record with all that is not for everybody.
func private(t *testing.T) *lifecycle.Record {
	r := everything(t)
	r.Run.TraceID, r.Publisher.Contact = "0af7651916cd43dd8448eb211c80319c", "jane@example.com"
	r.Hardware[0].Instance = []string{"e2dbddc3e57ce05a"}
	r.Extensions = map[string]any{"com.example.queue": map[string]any{"node": "n17", "user": "jane"}}
	require.NoError(t, r.Seal())
	return r
}

func TestRedactWritesWhatMayBePublished(t *testing.T) {
	home, err := os.Getwd()
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("run.json", encoded(t, private(t)), 0o644))
	var transcript strings.Builder
	for _, args := range [][]string{
		{"redact", "run.json", "-o", "public.json"},
		{"redact", "run.json", "--for", "internal", "-o", "internal.json"},
		{"redact", "run.json", "--for", "confidential", "-o", "confidential.json"},
		{"redact", "public.json", "-o", "again.json"},
		{"validate", "public.json", "internal.json", "confidential.json", "again.json"},
		{"redact", "public.json", "-o", "public.json"},
	} {
		r := call("", args...)
		transcript.WriteString("$ ecotracer " + strings.Join(args, " ") + "\n" + r.out + r.err)
	}
	public, err := os.ReadFile("public.json")
	require.NoError(t, err)
	again, err := os.ReadFile("again.json")
	require.NoError(t, err)
	assert.Equal(t, string(public), string(again))
	for _, private := range []string{"019df4e5-8ac0", "0123456789ab", "0af7651916cd", "jane", "n17", "e2dbddc3", "22:30", "23:36"} {
		assert.NotContains(t, string(public), private)
	}
	record, err := lifecycle.Decode(bytes.NewReader(public))
	require.NoError(t, err)
	assert.NotNil(t, record.Integrity, "what was sealed is sealed anew")

	t.Chdir(home)
	golden(t, "redact.txt", transcript.String())
	r := call(string(encoded(t, private(t))), "redact", "-")
	require.Zero(t, r.code)
	assert.Contains(t, r.err, "removed: /hardware/0/instance, ")
	id := regexp.MustCompile(`"id": "(01[0-9a-f-]{34})"`)
	assert.NotEqual(t, id.FindString(string(public)), id.FindString(r.out), "each time the id is another")
}

func TestRedactAsJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	path := file(t, private(t))
	r := call("", "redact", "--json", "--keep", "com.example.queue", "--times", "24h", path, "-o", "kept.json")
	require.Zero(t, r.code, r.err)
	var got struct {
		File, For string
		Redacted  []lifecycle.Redaction
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &got))
	assert.Equal(t, "public", got.For)
	assert.Contains(t, got.Redacted, lifecycle.Redaction{Path: "/run/id", Did: "renewed"})
	assert.NotContains(t, got.Redacted, lifecycle.Redaction{Path: "/extensions/com.example.queue", Did: "removed"})
	text, err := os.ReadFile("kept.json")
	require.NoError(t, err)
	assert.Contains(t, string(text), `"time_resolution_s": 86400`)
	assert.Contains(t, string(text), "n17", "who keeps an extension vouches for it")
}

func TestRedactSaysWhatMustNotLeave(t *testing.T) {
	secret, path := private(t), private(t)
	secret.Publisher.Confidentiality, secret.Integrity = "secret", nil
	path.UseCase.Purpose, path.Integrity = "sort /home/jane/pictures", nil
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":        {[]string{"redact"}, 2, "ecotracer redact RECORD.json"},
		"two":            {[]string{"redact", "a", "b"}, 2, "ecotracer redact RECORD.json"},
		"a secret":       {[]string{"redact", file(t, secret)}, 1, "a secret record is not published"},
		"a path":         {[]string{"redact", file(t, path)}, 1, "put otherwise:\n  /use_case/purpose: an absolute path\n"},
		"a wrong sum":    {[]string{"redact", wrong(t)}, 1, "a record that is not valid is not redacted: R23 /totals/energy_j/value"},
		"for nobody":     {[]string{"redact", "--for", "secret", file(t, path)}, 2, "public, internal or confidential"},
		"to seven hours": {[]string{"redact", "--times", "7h", file(t, path)}, 2, "whole seconds that divide a day"},
		"to a colour":    {[]string{"redact", "--times", "green", file(t, path)}, 2, `--times "green": it is a time such as 1m, 1h or 24h`},
		"no record":      {[]string{"redact", "redact_test.go"}, 1, "the document is not JSON"},
		"no file":        {[]string{"redact", "none.json"}, 1, "none.json: there is no such file"},
		"as JSON":        {[]string{"redact", "--json", file(t, path)}, 2, "write -o FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call("", test.args...)
			assert.Equal(t, test.code, r.code)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, test.says)
			assert.NotContains(t, r.err, "lifecycle:")
			assert.NotContains(t, r.err, "jane")
		})
	}
}
