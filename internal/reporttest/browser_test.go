package reporttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/export/report"
)

var (
	chromium context.Context // of the one browser of all tests; nil if there is none
	why      string          // there is none
)

func TestMain(m *testing.M) {
	stop := start()
	code := m.Run()
	stop()
	os.Exit(code)
}

func start() (stop func()) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		why = "no Chromium is on the path"
		return func() {}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(2*time.Minute), chromedp.Flag("headless", "new"), chromedp.Flag("force-color-profile", "srgb"))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	browser, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		why = "Chromium does not start: " + err.Error()
	} else {
		chromium = browser
	}
	return func() { cancel(); cancelAllocator() }
}

// tab is a page in the browser, and all that it said and asked for.
type tab struct {
	context.Context
	t *testing.T

	mu       sync.Mutex
	said     []string // errors and warnings of the console, exceptions, violations of the policy
	requests []string // but for the page itself
}

// view is how a page is looked at.
type view struct {
	width    int64
	dark     bool
	print    bool
	noScript bool
}

// open opens a page of records.
func open(t *testing.T, v view, records ...*lifecycle.Record) *tab {
	t.Helper()
	return openFile(t, v, page(t, records...))
}

// page makes a page of records, and is its file.
func page(t *testing.T, records ...*lifecycle.Record) string {
	t.Helper()
	if chromium == nil {
		t.Skip(why)
	}
	var page bytes.Buffer
	require.NoError(t, report.Write(&page, records, report.Options{}))
	file := filepath.Join(t.TempDir(), "report.html")
	require.NoError(t, os.WriteFile(file, page.Bytes(), 0o600))
	return file
}

// openFile opens a page in a tab of its own.
func openFile(t *testing.T, v view, file string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute) // a browser that hangs must not hang the tests, and one that is slow fails none
	t.Cleanup(cancel)
	tab := &tab{Context: limited, t: t}
	url := "file://" + file
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			tab.said = append(tab.said, fmt.Sprintf("console.%s: %s", e.Type, e.Args[0].Value))
		case *runtime.EventExceptionThrown:
			tab.said = append(tab.said, fmt.Sprintf("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
		case *log.EventEntryAdded:
			tab.said = append(tab.said, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
		case *network.EventRequestWillBeSent:
			if e.Request.URL != url {
				tab.requests = append(tab.requests, e.Request.URL)
			}
		}
	}))
	command(tab, log.Enable, cdp.Empty{})
	command(tab, runtime.Enable, cdp.Empty{})
	command(tab, network.Enable, network.EnableParams{})
	tab.look(v)
	tab.do(chromedp.Navigate(url))
	if !v.noScript && eval[string](tab, `document.documentElement.dataset.drawn ?? ""`) != "yes" {
		tab.quiet()
		require.Fail(t, "the page's script did not come to its end")
	}
	return tab
}

// look sets how the page is looked at.
func (b *tab) look(v view) {
	b.t.Helper()
	scheme, media := "light", "screen"
	if v.dark {
		scheme = "dark"
	}
	if v.print {
		media = "print"
	}
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.noScript})
	command(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.width, Height: 900, DeviceScaleFactor: 1, Mobile: v.width < 500})
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// command runs a command of the browser's protocol.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b, c, params)
	require.NoError(b.t, err)
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b, actions...))
}

// eval is what an expression comes to in the page. A promise is awaited.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	result, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return result
}

// settled ends the transitions of d3, which are of no length, but for which it
// waits for as many frames.
const settled = `(async () => { for (let i = 0; i < 5; i++) d3.timerFlush(); return true; })()`

// told waits until the page knows that the system is in the dark, or is not: the
// browser tells it when it comes to it.
func (b *tab) told(dark bool) {
	b.t.Helper()
	next := map[bool]string{false: "Dark theme", true: "Light theme"}[dark] // what the button offers
	eval[bool](b, `new Promise(done => {
		const look = () => document.getElementById("theme").textContent === "`+next+`" ? done(true) : requestAnimationFrame(look);
		look();
	})`)
}

// quiet holds that the page said nothing and asked for nothing.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.said, "errors, warnings and violations of the page's policy")
	require.Empty(b.t, b.requests, "the page must load nothing")
}

// shoot takes a picture of the whole page into the folder that
// ECOTRACER_SCREENSHOTS names, if any.
func (b *tab) shoot(name string) {
	dir := os.Getenv("ECOTRACER_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), picture, 0o600))
}
