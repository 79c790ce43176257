// Package chart draws what the phases of a run came to, as a picture for a
// README: emissions and energy as bars with their 95 % intervals. What is not
// known is drawn as unknown, never as nothing.
//
// It is a package of its own, because the charting library and its fonts are
// large: who does not import it does not pay for it.
package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// Background is what a picture stands on.
type Background int

// None lets the page show through, in colours that are legible on white and on
// black; with the others there is more contrast.
const (
	None Background = iota
	Light
	Dark
)

// SVG draws the phases of a record, 720 pixels wide. The texts of the record
// stay texts, whatever they look like, and what the picture shows is also told
// in words, as Text has them. The same record gives the same bytes. The record
// must be valid (lifecycle.Validate); it is not changed. The errors are those of
// w.
func SVG(w io.Writer, r *lifecycle.Record, b Background) error {
	p := newPicture(r, b)
	c := vgsvg.New(width, p.height())
	if err := p.draw(c); err != nil {
		return err
	}
	var text bytes.Buffer
	if _, err := c.WriteTo(&text); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	// The library's head knows no title, and measures in points; its fonts are
	// those of few machines, but these have the same widths.
	_, body, _ := bytes.Cut(text.Bytes(), []byte(`<g transform="scale(1, -1)`))
	var head bytes.Buffer
	fmt.Fprintf(&head, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]v %[2]v" role="img">`+"\n<title>",
		width.Points(), p.height().Points())
	_ = xml.EscapeText(&head, []byte(p.title)) // a buffer takes all
	head.WriteString("</title>\n<desc>")
	_ = xml.EscapeText(&head, []byte(Text(r)))
	head.WriteString("</desc>\n" + `<g transform="scale(1, -1)`)
	body = bytes.ReplaceAll(body, []byte("font-family:Liberation Sans;font-variant:normal;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	if _, err := w.Write(append(head.Bytes(), body...)); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return nil
}

// PNG draws what SVG does, 1440 pixels wide: two for each of the SVG's. What
// the font has no letter for is drawn as a box.
func PNG(w io.Writer, r *lifecycle.Record, b Background) error {
	p := newPicture(r, b)
	c := vgimg.NewWith(vgimg.UseWH(width, p.height()), vgimg.UseDPI(2*72), vgimg.UseBackgroundColor(color.Transparent))
	if err := p.draw(c); err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(w); err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	return nil
}

// px is a pixel of the SVG: a point of the library.
const px = vg.Length(1)
