package report

import (
	"crypto/sha256"
	_ "embed" // of the files below
	"encoding/base64"
	"html/template"
	"sync"
)

// The files of the page, and the charting libraries with their licences.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed common.js
	commonJS string
	//go:embed page.js
	pageJS string
	//go:embed dataset.html
	datasetHTML string
	//go:embed dataset.js
	datasetJS string
	//go:embed assets/d3/d3.min.js
	d3JS string
	//go:embed assets/d3/LICENSE
	d3Licence string
	//go:embed assets/plot/plot.umd.min.js
	plotJS string
	//go:embed assets/plot/LICENSE
	plotLicence string
	//go:embed assets/d3-flame-graph/d3-flamegraph.umd.min.js
	flameGraphJS string
	//go:embed assets/d3-flame-graph/LICENSE
	flameGraphLicence string
)

// assets are the parts of every page, and the policy that lets nothing but them
// run.
type assets struct {
	Style    template.CSS
	Scripts  []template.JS
	Policy   template.HTML // a meta element
	Licences []fact        // of the libraries
}

// Styles that the charting libraries put into the page themselves: d3-flame-graph
// when it is loaded, Observable Plot into each of its charts. The policy lets
// these very texts through and no other; the browser tests notice if a library's
// text changes.
const (
	flameGraphStyle = ".d3-flame-graph rect{stroke:#eee;fill-opacity:.8}.d3-flame-graph rect:hover{stroke:#474747;stroke-width:.5;cursor:pointer}.d3-flame-graph-label{white-space:nowrap;text-overflow:ellipsis;overflow:hidden;font-size:12px;font-family:Verdana;margin-left:4px;margin-right:4px;line-height:1.5;padding:0;font-weight:400;color:#000;text-align:left}.d3-flame-graph .fade{opacity:.6!important}.d3-flame-graph .title{font-size:20px;font-family:Verdana}.d3-flame-graph-tip{background-color:#000;border:none;border-radius:3px;padding:5px 10px;min-width:250px;text-align:left;color:#fff;z-index:10}\n/*$vite$:1*/"
	plotStyle       = ":where(.plot) {\n  --plot-background: white;\n  display: block;\n  height: auto;\n  height: intrinsic;\n  max-width: 100%;\n}\n:where(.plot text),\n:where(.plot tspan) {\n  white-space: pre;\n}"
)

// They are made when the first page is: they take 2 ms, which are no business of
// a program that imports the package and writes none.
var (
	runAssets = sync.OnceValue(func() assets {
		return newAssets([]string{d3JS, plotJS, flameGraphJS, commonJS, pageJS}, []string{flameGraphStyle, plotStyle},
			fact{"d3 7.9.2", d3Licence}, fact{"Observable Plot 0.6.17", plotLicence}, fact{"d3-flame-graph 5.0.0", flameGraphLicence})
	})
	datasetAssets = sync.OnceValue(func() assets {
		return newAssets([]string{d3JS, plotJS, commonJS, datasetJS}, []string{plotStyle},
			fact{"d3 7.9.2", d3Licence}, fact{"Observable Plot 0.6.17", plotLicence})
	})
)

// newAssets are the parts of a page with these scripts, beside the style of all
// pages those that libraries bring, and their licences.
func newAssets(scripts, styles []string, licences ...fact) assets {
	a := assets{Style: template.CSS(pageCSS), Licences: licences}
	var names [2]string // of what may run, and of styles
	for _, text := range scripts {
		a.Scripts = append(a.Scripts, template.JS(text))
		names[0] += " " + digest(text)
	}
	for _, text := range append([]string{pageCSS}, styles...) {
		names[1] += " " + digest(text)
	}
	a.Policy = template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; script-src` + names[0] +
		`; style-src` + names[1] + `">`)
	return a
}

// digest names an inline script or style in a content security policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// layout has the layouts of both pages, which share their parts.
var layout = sync.OnceValue(func() *template.Template {
	t := template.Must(template.New("page.html").Parse(pageHTML))
	template.Must(t.New("dataset.html").Parse(datasetHTML))
	return t
})
