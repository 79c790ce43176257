package reporttest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// TestEveryViewOfThePageIsSound looks at pages on a desk and on a phone, in the
// light and, in the same tab, in the dark. Contrast takes by far the longest to
// check; it depends on colours alone, so that each part of a page in each theme
// is checked once.
func TestEveryViewOfThePageIsSound(t *testing.T) {
	const everywhere, noContrast, contrast = `document`, `{rules: {"color-contrast": {enabled: false}}}`, `{runOnly: ["color-contrast"]}`
	axe := ""
	if file := os.Getenv("ECOTRACER_AXE"); file != "" {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		axe = string(text)
	}
	for _, p := range []struct {
		name, file string
		own        string // the part of the page that no other page has
		wide       bool
	}{
		{"one", page(t, everything(t)), everywhere, true},
		{"compared", page(t, everything(t), small(t)), `"#comparison"`, true},
		{"hostile", page(t, hostile(t)), "", false}, // a wide one is in another test
		{"dataset", datasetPage(t, ordinary(t)), `{include: [["#spread"], ["#months"], ["#front"]]}`, true},
		{"hostile dataset", datasetPage(t, hostileSet(t)), "", false},
	} {
		for in, width := range map[string]int64{"desktop": 1280, "phone": 375} {
			if in == "desktop" && !p.wide {
				continue
			}
			t.Run(p.name+" "+in, func(t *testing.T) {
				b := openFile(t, view{width: width}, p.file)
				b.shoot(p.name + " " + in + " light")
				b.sound(width)
				b.accessible(axe, everywhere, noContrast)
				if in == "desktop" {
					b.accessible(axe, p.own, contrast)
				}
				b.look(view{width: width, dark: true})
				b.told(true)
				b.shoot(p.name + " " + in + " dark")
				b.sound(width)
				if in == "desktop" {
					b.accessible(axe, p.own, contrast)
				}
				if axe == "" {
					t.Skip("all but accessibility was checked: ECOTRACER_AXE does not tell where axe.min.js is")
				}
			})
		}
	}
}

// sound holds that a page is drawn, and fits.
func (b *tab) sound(width int64) {
	b.t.Helper()
	b.quiet()
	assert.Equal(b.t, width, eval[int64](b, "document.documentElement.scrollWidth"), "nothing is wider than the page")
	assert.Empty(b.t, eval[[]string](b, `[...document.querySelectorAll("[data-chart]:not([hidden])")].filter(c => !c.querySelector("svg")).map(c => c.dataset.chart)`), "charts are drawn")
	assert.Empty(b.t, eval[[]string](b, `[...document.querySelectorAll(".chart svg")].filter(s => s.getBoundingClientRect().right > innerWidth + 1).map(s => s.getAttribute("aria-label"))`), "charts are no wider than the page")
	assert.False(b.t, eval[bool](b, `(() => { const title = document.createRange(); title.selectNodeContents(document.querySelector("h1")); const button = document.getElementById("theme").getBoundingClientRect();
		return [...title.getClientRects()].some(r => r.right > button.left && r.top < button.bottom); })()`), "the button is on no text")
}

// accessible holds that axe-core finds no serious fault in a part of a page.
func (b *tab) accessible(axe, part, options string) {
	b.t.Helper()
	if axe == "" {
		return
	}
	eval[bool](b, "if (!window.axe) {"+axe+"}; true")
	faults := eval[[]string](b, `axe.run(`+part+`, `+options+`).then(r => r.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target + " " + n.any.concat(n.all, n.none).map(c => c.message).join("; ")).join(" | ")))`)
	assert.Empty(b.t, faults, "serious faults of accessibility")
}

// What is seen is what the record says.
func TestNumbersOnThePageAreTheRecords(t *testing.T) {
	for name, r := range map[string]*lifecycle.Record{"small": small(t), "everything": everything(t)} {
		t.Run(name, func(t *testing.T) {
			b := open(t, view{width: 1280}, r)
			text, err := json.Marshal(r)
			require.NoError(t, err)
			var document any
			require.NoError(t, json.Unmarshal(text, &document))
			type shown struct{ At, Value, Text string }
			figures := eval[[]shown](b, `[...document.querySelectorAll("data[data-at]")].map(d => ({At: d.dataset.at, Value: d.value, Text: d.textContent}))`)
			require.Greater(t, len(figures), 60)
			for _, f := range figures {
				at := document
				for _, step := range strings.Split(f.At[1:], "/") {
					if list, ok := at.([]any); ok {
						i, err := strconv.Atoi(step)
						require.NoError(t, err)
						at = list[i]
					} else {
						at = at.(map[string]any)[step]
					}
				}
				if q, ok := at.(map[string]any); ok {
					at = q["value"]
				}
				value, err := strconv.ParseFloat(f.Value, 64)
				require.NoError(t, err)
				assert.Equal(t, at, value, f.At)
				assert.NotEmpty(t, f.Text)
			}
			// The chart's bars, by the record: as long as their phase emits.
			lengths := eval[map[string]float64](b, `Object.fromEntries([...document.querySelectorAll('[data-chart="phases"] g rect')].map(r => [r.getAttribute("fill"), +r.getAttribute("width")]))`)
			training, ok := r.Totals.ByPhase[lifecycle.PhaseTraining]
			require.True(t, ok)
			inference := r.Totals.ByPhase[lifecycle.PhaseInference]
			assert.InDelta(t, training.GCO2e.Value/inference.GCO2e.Value, lengths["var(--training)"]/lengths["var(--inference)"], 0.01*training.GCO2e.Value/inference.GCO2e.Value)
		})
	}
}

func TestTheFlameGraphZoomsByMouseAndKeyboard(t *testing.T) {
	b := open(t, view{width: 1280}, small(t))
	const width = `(name) => { const g = [...document.querySelectorAll(".frame")].find(g => g.getAttribute("name") === name); return g ? +g.querySelector("rect").getAttribute("width") : -1; }`
	widthOf := func(name string) float64 { return eval[float64](b, settled+`.then(() => (`+width+`)("`+name+`"))`) }
	selected := func() string {
		return eval[string](b, settled+`.then(() => document.querySelector('.frame[aria-selected="true"]').getAttribute("name"))`)
	}
	focused := func() string { return eval[string](b, `document.activeElement.getAttribute("name") ?? ""`) }
	names := eval[[]string](b, `[...document.querySelectorAll(".frame")].map(g => g.getAttribute("name"))`)
	require.Contains(t, names, "fit")
	before := widthOf("fit")
	assert.Equal(t, "this run", selected(), "at first the run fills the width")

	eval[bool](b, `[...document.querySelectorAll(".frame")].find(g => g.getAttribute("name") === "fit").dispatchEvent(new MouseEvent("click", {bubbles: true})), true`)
	assert.Equal(t, "fit", selected())
	assert.Greater(t, widthOf("fit"), before)
	assert.Contains(t, eval[string](b, `document.querySelector(".flame output").textContent`), "fit: ", "its figures are told")

	eval[bool](b, `[...document.querySelectorAll(".flame button")].find(b => b.textContent.startsWith("All")).click(), true`)
	assert.Equal(t, "all that the meters told", selected())
	assert.Less(t, widthOf("fit"), before)

	eval[bool](b, `document.querySelector('.frame[tabindex="0"]').focus(), true`)
	press := func(keys ...string) {
		for _, k := range keys {
			b.do(chromedp.KeyEvent(k))
		}
	}
	press(kb.ArrowDown)
	assert.Equal(t, "this run", focused())
	press(kb.ArrowDown)
	first := focused()
	press(kb.ArrowRight)
	second := focused()
	assert.NotEqual(t, first, second)
	press(kb.ArrowLeft)
	assert.Equal(t, first, focused())
	press(kb.Enter)
	assert.Equal(t, first, selected())
	assert.Equal(t, first, focused(), "the focus stays")
	assert.InDelta(t, eval[float64](b, `document.querySelector(".flame .graph").clientWidth`), widthOf(first), 1)
	press(kb.Escape)
	assert.Equal(t, "this run", selected())
	press(kb.ArrowUp)
	assert.Equal(t, "all that the meters told", focused())
	assert.Equal(t, 1, eval[int](b, `document.querySelectorAll('.frame[tabindex="0"]').length`), "one stop of the tab key")
	b.quiet()
}

func TestTheThemeFollowsTheSystemAndTheReader(t *testing.T) {
	b := open(t, view{width: 1280, dark: true}, small(t))
	ground := func() string { return eval[string](b, `getComputedStyle(document.body).backgroundColor`) }
	ink := func() string {
		return eval[string](b, `getComputedStyle(document.querySelector('[data-chart="phases"] svg text')).fill`)
	}
	dark, darkInk := ground(), ink()
	b.look(view{width: 1280})
	b.told(false)
	light, lightInk := ground(), ink()
	assert.NotEqual(t, light, dark, "of itself it is as the system is")
	assert.NotEqual(t, lightInk, darkInk, "charts follow")
	b.do(chromedp.Click(chromedp.CSS("#theme")))
	assert.Equal(t, dark, ground(), "the reader says otherwise")
	assert.Equal(t, "Light theme", eval[string](b, `document.getElementById("theme").textContent`))
	b.do(chromedp.Click(chromedp.CSS("#theme")))
	assert.Equal(t, light, ground())
	b.quiet()
}

func TestThePageIsWholeOnPaper(t *testing.T) {
	b := open(t, view{width: 1280, dark: true}, everything(t))
	b.look(view{width: 720, dark: true, print: true})
	eval[bool](b, `dispatchEvent(new Event("beforeprint")), true`)
	assert.Equal(t, "none", eval[string](b, `getComputedStyle(document.querySelector("nav")).display`))
	assert.Equal(t, "none", eval[string](b, `getComputedStyle(document.querySelector("#theme")).display`))
	assert.Equal(t, "light", eval[string](b, `getComputedStyle(document.documentElement).colorScheme`), "paper is white")
	assert.True(t, eval[bool](b, `[...document.querySelectorAll("details.long")].every(d => d.open)`), "nothing is folded away")
	assert.Equal(t, 680, eval[int](b, `+document.querySelector('[data-chart="phases"] svg').getAttribute("width")`))
	eval[bool](b, `dispatchEvent(new Event("afterprint")), true`)
	pdf, err := chromedp.Call(b, cdppage.PrintToPDF, cdppage.PrintToPDFParams{PrintBackground: new(true)})
	require.NoError(t, err)
	require.NotEmpty(t, pdf.Data)
	if dir := os.Getenv("ECOTRACER_SCREENSHOTS"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "paper.pdf"), pdf.Data, 0o600))
	}
	b.quiet()
}

func TestThePageIsReadWithoutScripts(t *testing.T) {
	b := open(t, view{width: 1280, noScript: true}, small(t))
	// The test itself needs scripts to look; those of the page did not run.
	b.look(view{width: 1280})
	assert.True(t, eval[bool](b, `document.documentElement.dataset.drawn === undefined`))
	assert.True(t, eval[bool](b, `document.getElementById("theme").hidden`), "no button that does nothing")
	assert.Zero(t, eval[int](b, `[...document.querySelectorAll("[data-chart]")].filter(c => c.offsetHeight > 0).length`), "no empty frames")
	text := eval[string](b, `document.body.innerText`)
	for _, says := range []string{"This run used", "How sure that is", "What each phase and stage of the life cycle came to", "Where the joules of each domain went", "SHA-256"} {
		assert.Contains(t, text, says)
	}
	b.quiet()
}

func TestHostileTextsExecuteNothing(t *testing.T) {
	b := open(t, view{width: 1280}, hostile(t), hostile(t))
	b.sound(1280)
	eval[bool](b, `document.querySelectorAll(".frame").forEach(g => { g.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})); g.dispatchEvent(new MouseEvent("click", {bubbles: true})); }), true`)
	assert.Equal(t, "undefined", eval[string](b, `typeof window.pwned`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll("img, iframe, [onload], [onerror]").length`))
	assert.Contains(t, eval[string](b, `document.body.innerText`), "<img src=x onerror='window.pwned=1'>", "it is told as it is")
	assert.NotRegexp(t, "[\u202e\u2066\u2028\u200f]", eval[string](b, `document.documentElement.outerHTML.replace(/<script>[\s\S]*?<\/script>/g, "")`))
	b.quiet()
}

// The other tests would notice: what is not the page's own neither runs nor
// loads, and the browser says so.
func TestThePolicyStopsWhatIsNotThePages(t *testing.T) {
	b := open(t, view{width: 1280}, small(t))
	eval[bool](b, `(() => { const s = document.createElement("script"); s.textContent = "window.pwned = 1"; document.body.append(s);
		document.body.setAttribute("style", "color: red"); const i = new Image(); const refused = new Promise(r => { i.onerror = () => r(true); }); i.src = "https://example.invalid/x.png"; document.body.append(i); return refused })()`)
	assert.Equal(t, "undefined", eval[string](b, `typeof window.pwned`))
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Len(t, b.said, 3, "script, picture and style")
	for _, s := range b.said {
		assert.Contains(t, s, "Content Security Policy")
	}
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	b := open(t, view{width: 375}, small(t))
	b.do(chromedp.KeyEvent(kb.Tab))
	assert.Equal(t, "skip", eval[string](b, `document.activeElement.className`), "first comes the way past the contents")
	assert.GreaterOrEqual(t, eval[float64](b, `document.activeElement.getBoundingClientRect().left`), 0.0, "and it is seen")
	assert.NotEqual(t, "none", eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`), "so is the focus")
	b.do(chromedp.KeyEvent(kb.Enter))
	assert.Equal(t, "#main", eval[string](b, `location.hash`))
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll(".table")].filter(t => t.scrollWidth > t.clientWidth && t.tabIndex !== 0).map(t => t.ariaLabel)`), "what scrolls can be reached")
	b.quiet()
}
