package chart

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/ecotracer/ecotracer/internal/inwords"
	"github.com/ecotracer/ecotracer/internal/phases"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// The layout, in pixels.
const (
	width    = 720 * px
	margin   = 16 * px
	labels   = 92 * px  // of the phases, left of the bars
	numbers  = 200 * px // right of them
	rowH     = 26 * px
	barH     = 14 * px
	headH    = 78 * px // of the picture
	panelTop = 30 * px // of a panel's title
	axisH    = 26 * px
)

// palette is the colours of a picture. Without a background each has a contrast
// of 3.6 at least on white and on #0d1117, the dark of GitHub, and texts one of
// 4.2, which is as much as both allow.
type palette struct {
	background    color.Color // nil if there is none
	ink, faint    color.Color
	service, made color.Color // bars: of the service's life cycle and of the devices'
}

var palettes = map[Background]palette{
	None:  {nil, rgb(0x737b84), rgb(0x737b84), rgb(0x3b82c4), rgb(0xc4703b)},
	Light: {rgb(0xffffff), rgb(0x1f2328), rgb(0x59636e), rgb(0x3b82c4), rgb(0xc4703b)},
	Dark:  {rgb(0x0d1117), rgb(0xe6edf3), rgb(0x9198a1), rgb(0x4c93d6), rgb(0xd58250)},
}

func rgb(v uint32) color.Color {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// picture is a record on its way to a canvas.
type picture struct {
	palette
	title, total, about string
	panels              []panel
}

// panel is one figure of all phases, on one axis.
type panel struct {
	title   string
	figures []phases.Figure
	unit    inwords.Unit   // of the axis
	units   []inwords.Unit // that figures may be in
}

func newPicture(r *lifecycle.Record, b Background) *picture {
	p := &picture{palette: palettes[b]}
	p.title = cmp.Or(plain(r.Run.Name), "unnamed run")
	p.total = "unknown emissions"
	if q := r.Totals.GCO2e; q != nil {
		p.total = inwords.Figure(*q, inwords.CO2e)
	}
	p.total += " and " + inwords.Figure(r.Totals.EnergyJ, inwords.WattHours) + " in all"
	p.about = strings.Join(about(r), " · ")
	for _, of := range []struct {
		title   string
		figures []phases.Figure
		units   []inwords.Unit
	}{{"Emissions", phases.Emissions(r), inwords.CO2e}, {"Energy, " + inwords.Boundary(r.Run.Boundary), phases.Energy(r), inwords.WattHours}} {
		var most float64
		for _, f := range of.figures {
			if f.Quantity != nil {
				most = max(most, f.Quantity.Value)
			}
		}
		u := inwords.UnitFor(most, of.units)
		p.panels = append(p.panels, panel{of.title + ", " + u.Name, of.figures, u, of.units})
	}
	return p
}

// about tells which run it is of.
func about(r *lifecycle.Record) []string {
	var texts []string
	if r.Run.Status != lifecycle.Complete {
		texts = append(texts, string(r.Run.Status))
	}
	texts = append(texts, inwords.Boundary(r.Run.Boundary), string(r.Run.Scope)+" scope")
	var places []string
	for _, e := range r.Environments {
		place := plain(inwords.Zone(&e))
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	texts = append(texts, strings.Join(places, ", "))
	if r.Run.StartedAt != nil {
		texts = append(texts, r.Run.StartedAt.UTC().Format(time.DateOnly))
	}
	return append(texts, "whiskers: 95 % interval")
}

// plain makes one line of a text.
func plain(s string) string { return strings.Join(strings.Fields(inwords.Visible(s)), " ") }

func (p *picture) height() vg.Length {
	h := headH + margin/2
	for _, pn := range p.panels {
		h += pn.height()
	}
	return h
}

func (p *panel) height() vg.Length {
	return panelTop + rowH*vg.Length(len(p.figures)) + axisH
}

func (p *picture) draw(to vg.CanvasSizer) error {
	c := draw.New(to)
	if p.background != nil {
		c.SetColor(p.background)
		c.Fill(c.Rectangle.Path())
	}
	bold, plainText, small := style(17, true, p.ink), style(13, false, p.ink), style(12, false, p.faint)
	top := c.Max.Y - margin
	line := func(s text.Style, size vg.Length, txt string) {
		s.YAlign = draw.YTop
		c.FillText(s, vg.Point{X: margin, Y: top}, fit(s, txt, width-2*margin))
		top -= size
	}
	line(bold, 24*px, p.title)
	line(plainText, 20*px, p.total)
	line(small, 0, p.about)

	top = c.Max.Y - headH
	for i := range p.panels {
		h := p.panels[i].height()
		area := draw.Crop(c, margin, -margin, 0, 0)
		area.Max.Y, area.Min.Y = top, top-h
		if err := p.panel(area, &p.panels[i]); err != nil {
			return fmt.Errorf("chart: %w", err)
		}
		top -= h
	}
	return nil
}

// panel draws bars with their intervals, and beside them what they are of and
// what they come to.
func (p *picture) panel(c draw.Canvas, pn *panel) error {
	head := style(13, true, p.ink)
	head.YAlign = draw.YBottom
	c.FillText(head, vg.Point{X: c.Min.X, Y: c.Max.Y - panelTop + 8*px}, pn.title)

	n, top := len(pn.figures), pn.top()
	pl := p.axes()
	pl.X.Max = top
	for i := range pn.figures {
		f, y := &pn.figures[i], float64(n-1-i)
		switch {
		case f.Quantity != nil:
			if err := p.bar(pl, f, pn.unit, y); err != nil {
				return err
			}
		case f.Why == phases.Unknown: // it may be anywhere
			l, err := plotter.NewLine(plotter.XYs{{X: 0, Y: y}, {X: top, Y: y}})
			if err != nil {
				return err
			}
			l.LineStyle = draw.LineStyle{Color: p.faint, Width: px, Dashes: []vg.Length{3 * px, 3 * px}}
			pl.Add(l)
		}
	}
	pl.X.Min, pl.X.Max = 0, top // whatever was added
	pl.Y.Min, pl.Y.Max = -0.5, float64(n)-0.5

	inner := draw.Crop(c, labels, -numbers, 0, -panelTop)
	inner.Min.Y += axisH - pl.X.Tick.Label.Height("0") - 4*px
	pl.Draw(inner)
	bars := pl.DataCanvas(inner)
	for i := range pn.figures {
		f, y := &pn.figures[i], bars.Y((float64(n-1-i)+0.5)/float64(n))
		if f.Quantity != nil && f.Quantity.High/pn.unit.Size > top { // the interval goes on
			c.FillPolygon(p.ink, []vg.Point{{X: bars.Max.X, Y: y - 4*px}, {X: bars.Max.X + 6*px, Y: y}, {X: bars.Max.X, Y: y + 4*px}})
		}
		y += 1.5 * px // to the eye letters hang below their middle
		s := style(13, false, p.ink)
		s.XAlign, s.YAlign = draw.XRight, draw.YCenter
		c.FillText(s, vg.Point{X: c.Min.X + labels - 10*px, Y: y}, label(f.Phase))
		if f.Quantity == nil {
			s.Color = p.faint
		}
		s.XAlign = draw.XLeft
		c.FillText(s, vg.Point{X: c.Max.X - numbers + 12*px, Y: y}, fit(s, words(f, pn.unit, pn.units), numbers-12*px))
	}
	return nil
}

// axes is a plot with nothing in it but a grid over its X axis.
func (p *picture) axes() *plot.Plot {
	pl := plot.New()
	pl.BackgroundColor = nil
	pl.HideY()
	x := &pl.X
	x.Padding, x.LineStyle.Width, x.Tick.LineStyle.Width, x.Tick.Length = 0, 0, 0, 0
	x.Tick.Marker = plot.TickerFunc(ticks)
	x.Tick.Label = style(11, false, p.faint)
	x.Tick.Label.XAlign, x.Tick.Label.YAlign = draw.XCenter, draw.YTop
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical = draw.LineStyle{Color: alpha(p.faint, 0.3), Width: px}
	pl.Add(grid)
	return pl
}

// bar adds a bar and its interval to a plot.
func (p *picture) bar(pl *plot.Plot, f *phases.Figure, u inwords.Unit, y float64) error {
	value := f.Quantity.Value / u.Size
	b, err := plotter.NewBarChart(plotter.Values{value}, barH)
	if err != nil {
		return err
	}
	hue := p.service
	switch f.Phase {
	case lifecycle.PhaseProduction, lifecycle.PhaseEndOfLife:
		hue = p.made
	case lifecycle.PhaseUnassigned:
		hue = p.faint
	}
	b.Horizontal, b.XMin, b.Color, b.LineStyle.Width = true, y, alpha(hue, 0.7), 0
	whisker, err := plotter.NewXErrorBars(struct {
		plotter.XYs
		plotter.XErrors
	}{plotter.XYs{{X: value, Y: y}}, plotter.XErrors{{Low: value - f.Quantity.Low/u.Size, High: f.Quantity.High/u.Size - value}}})
	if err != nil {
		return err
	}
	whisker.LineStyle = draw.LineStyle{Color: p.ink, Width: 1.5 * px}
	whisker.CapWidth = 8 * px
	pl.Add(b)
	if (f.Quantity.High-f.Quantity.Low)/u.Size > pl.X.Max*3/float64(width-labels-numbers) { // of 3 pixels: less is a blot
		pl.Add(whisker)
	}
	return nil
}

// top is where the axis ends: with the longest interval, but no further than
// three times the longest bar, so that bars stay bars.
func (pn *panel) top() float64 {
	var value, high float64
	for _, f := range pn.figures {
		if f.Quantity != nil {
			value, high = max(value, f.Quantity.Value), max(high, f.Quantity.High)
		}
	}
	if value == 0 {
		return 1
	}
	return min(high, 3*value) / pn.unit.Size * 1.02
}

// ticks are four or five round numbers from 0 on.
func ticks(_, top float64) (list []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10(top/4)))
	for _, n := range []float64{10, 5, 2} {
		if top/(step*n) >= 3 {
			step *= n
			break
		}
	}
	for k := 0; k < 20 && float64(k)*step <= top; k++ { // more only if step is lost to rounding
		v := float64(k) * step
		list = append(list, plot.Tick{Value: v, Label: fmt.Sprintf("%.6g", v)})
	}
	return list
}

func alpha(c color.Color, a float64) color.Color {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = uint8(math.Round(a * 255))
	return n
}

func style(size vg.Length, bold bool, c color.Color) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}

// fit cuts a text to a width.
func fit(s text.Style, txt string, width vg.Length) string {
	if len(txt) < 4*400 && s.Width(txt) <= width {
		return txt
	}
	letters := []rune(txt)
	letters = letters[:min(len(letters), 400)] // more than fit anywhere
	n := sort.Search(len(letters), func(n int) bool { return s.Width(string(letters[:n])+"…") > width })
	return strings.TrimRight(string(letters[:max(n-1, 0)]), " ") + "…"
}
