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
	//go:embed page.js
	pageJS string
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

// loaded and layout are made when the first page is: they take 2 ms, which are
// no business of a program that imports the package and writes none.
var loaded = sync.OnceValue(func() assets {
	a := assets{
		Style: template.CSS(pageCSS),
		Licences: []fact{
			{"d3 7.9.2", d3Licence}, {"Observable Plot 0.6.17", plotLicence}, {"d3-flame-graph 5.0.0", flameGraphLicence},
		},
	}
	scripts := ""
	for _, text := range []string{d3JS, plotJS, flameGraphJS, pageJS} {
		a.Scripts = append(a.Scripts, template.JS(text))
		scripts += " " + digest(text)
	}
	a.Policy = template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; script-src` + scripts +
		`; style-src ` + digest(pageCSS) + " " + digest(flameGraphStyle) + " " + digest(plotStyle) + `">`)
	return a
})

// digest names an inline script or style in a content security policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var layout = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page.html").Parse(pageHTML))
})
