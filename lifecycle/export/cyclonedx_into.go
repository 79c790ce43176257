package export

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle"
)

// IntoCycloneDX adds what a run used to a bill of materials of CycloneDX 1.6 or
// 1.7 in JSON, and returns the new one and what of the record it cannot hold.
//
// The figures go to the machine-learning model of the run's model name and, if
// both are told, version; if the BOM has none, the model is added. With no name
// told they go to the only model of the BOM, and an [InputError] tells if it is
// not the only one. All else in the BOM is kept, in its order and as it is
// spelt; so are the figures of other runs. The figures of the same run are
// replaced, so that a second call returns what it was given. Otherwise the
// BOM's version grows by one, as the standard asks for.
//
// A BOM that is signed is an error, for it would not verify any more.
func IntoCycloneDX(bom []byte, r *lifecycle.Record, o Options) ([]byte, []Loss, error) {
	b, err := readBOM(bytes.NewReader(bom))
	if err != nil {
		return nil, nil, err
	}
	digest, err := r.SHA256()
	if err != nil {
		return nil, nil, err
	}
	before := b.text("")
	var held holding
	notes, err := b.add(r, o, digest, &held)
	if err != nil {
		return nil, nil, err
	}
	losses := explained(held.lost(r), notes)
	if bytes.Equal(b.text(""), before) {
		return bom, losses, nil
	}
	if v := b.root.member("version"); v != nil {
		if n, err := strconv.ParseInt(string(v.leaf), 10, 64); err == nil {
			b.root.set("version", &jsonNode{leaf: strconv.AppendInt(nil, n+1, 10)})
		}
	}
	indent, end := layoutOf(bom)
	text := b.text(indent)
	if end != "\n" {
		text = bytes.ReplaceAll(text, []byte("\n"), []byte(end))
	}
	if bytes.HasSuffix(bom, []byte("\n")) {
		text = append(text, end...)
	}
	if bytes.HasPrefix(bom, []byte(byteOrderMark)) {
		text = append([]byte(byteOrderMark), text...)
	}
	return text, losses, nil
}

// bomFile is a bill of materials that is being changed.
type bomFile struct {
	root    *jsonNode
	version string // of the format
	err     error  // the first of what could not be written
}

// node is a Go value as a tree; after an error it is empty.
func (b *bomFile) node(v any) *jsonNode {
	n, err := jsonNodeOf(v)
	if err != nil {
		b.err = cmp.Or(b.err, fmt.Errorf("export: write CycloneDX: %w", err))
		n = &jsonNode{kind: '{'}
	}
	return n
}

// bomLimits are what a BOM may be at most.
var bomLimits = jsonLimits{bytes: 64 << 20, depth: 64, values: 2 << 20, leaf: 64 << 20}

func readBOM(r io.Reader) (*bomFile, error) {
	j, err := newJSONReader(r, bomLimits)
	var root *jsonNode
	if err == nil {
		root, err = j.one()
	}
	if err != nil {
		return nil, fmt.Errorf("export: read CycloneDX: %w", err)
	}
	b := &bomFile{root: root, version: root.member("specVersion").string()}
	if root.member("bomFormat").string() != "CycloneDX" {
		return nil, errors.New(`export: read CycloneDX: bomFormat is not "CycloneDX": it is no BOM of CycloneDX in JSON`)
	}
	if b.version != "1.6" && b.version != "1.7" {
		return nil, fmt.Errorf("export: read CycloneDX: specVersion %q: versions 1.6 and 1.7 are known here (1.5 and older have no place for energy)", b.version)
	}
	return b, nil
}

func (b *bomFile) text(indent string) []byte { return b.root.indented(indent) }

// bomModel is a machine-learning model of a BOM and where it is.
type bomModel struct {
	*jsonNode
	pointer string
	signed  bool // or what it is in
}

// models are the components of machine-learning models, nested ones too.
func (b *bomFile) models() []bomModel {
	var all []bomModel
	var walk func(n *jsonNode, pointer string, signed bool)
	walk = func(n *jsonNode, pointer string, signed bool) {
		signed = signed || n.member("signature") != nil
		if n.member("type").string() == "machine-learning-model" {
			all = append(all, bomModel{n, pointer, signed})
		}
		for i, c := range n.member("components").entries() {
			walk(c, pointer+"/components/"+strconv.Itoa(i), signed)
		}
	}
	signed := b.root.member("signature") != nil
	if c := b.root.member("metadata").member("component"); c != nil {
		walk(c, "/metadata/component", signed)
	}
	for i, c := range b.root.member("components").entries() {
		walk(c, "/components/"+strconv.Itoa(i), signed)
	}
	return all
}

// find is the component of the run's model; it is added if there is none.
func (b *bomFile) find(r *lifecycle.Record, o Options, held *holding) (bomModel, error) {
	name, version := modelOf(r, o)
	all := b.models()
	if name == "" {
		if len(all) == 1 {
			return all[0], nil
		}
		return bomModel{}, &InputError{Format: "cyclonedx", Inputs: []Input{modelNameInput}}
	}
	held.hold("/technology/ml/model/name")
	var named []bomModel
	for _, m := range all {
		has := m.member("version").string()
		if m.member("name").string() == name && (has == version || has == "" || version == "") {
			named = append(named, m)
		}
	}
	if len(named) > 1 {
		exact := slices.DeleteFunc(slices.Clone(named), func(m bomModel) bool { return m.member("version").string() != version })
		if len(exact) != 1 {
			return bomModel{}, fmt.Errorf("export: the BOM has %d models %q that may be meant, at %s and %s: tell the version (Options.ModelVersion, or /technology/ml/model/version of the record)",
				len(named), name, named[0].pointer, named[1].pointer)
		}
		named = exact
	}
	if len(named) == 1 {
		if version != "" && named[0].member("version").string() == version {
			held.hold("/technology/ml/model/version")
		}
		return named[0], nil
	}
	components, err := ensure(b.root, "", "components", '[')
	if err != nil {
		return bomModel{}, err
	}
	m := bomModel{b.node(componentOf(r, o, held)), "/components/" + strconv.Itoa(len(components.items)), b.root.member("signature") != nil}
	components.items = append(components.items, m.jsonNode)
	return m, nil
}

// ensure is a member that is an object or list, made if there is none.
func ensure(n *jsonNode, pointer, name string, kind json.Delim) (*jsonNode, error) {
	v := n.member(name)
	if v == nil {
		v = &jsonNode{kind: kind}
		n.set(name, v)
	}
	if v.kind != kind {
		return nil, fmt.Errorf("export: read CycloneDX: %s/%s is not what the format has there", pointer, name)
	}
	return v, nil
}

// add puts the figures of a run into the BOM, and tells what besides what is
// held is to be said of them.
func (b *bomFile) add(r *lifecycle.Record, o Options, digest string, held *holding) ([]Loss, error) {
	m, err := b.find(r, o, held)
	if err != nil {
		return nil, err
	}
	if m.signed {
		return nil, errors.New("export: the BOM, or the component that " + m.pointer + " is or is in, is signed and would not verify any more: remove the member signature, and sign the new BOM")
	}
	at, pointer := m.jsonNode, m.pointer
	for _, name := range []string{"modelCard", "considerations", "environmentalConsiderations"} {
		if at, err = ensure(at, pointer, name, '{'); err != nil {
			return nil, err
		}
		pointer += "/" + name
	}
	list, err := ensure(at, pointer, "energyConsumptions", '[')
	if err != nil {
		return nil, err
	}
	run := r.Run.ID
	entries, notes := consumptionsOf(r, held)
	placed, err := b.place(list, entries, run)
	if err != nil {
		return nil, err
	}
	properties, err := ensure(at, pointer, "properties", '[')
	if err != nil {
		return nil, err
	}
	current := map[string]bool{}
	for _, p := range runProperties(r, digest, held) {
		current[p.Name] = true
		upsert(properties, b.node(p), func(n *jsonNode) bool { return n.member("name").string() == p.Name })
	}
	properties.items = slices.DeleteFunc(properties.items, func(n *jsonNode) bool {
		name := n.member("name").string()
		return strings.HasPrefix(name, "ecotracer:"+run+":") && !current[name]
	})
	if o.Record != "" {
		references, err := ensure(m.jsonNode, m.pointer, "externalReferences", '[')
		if err != nil {
			return nil, err
		}
		comment := recordComment(r)
		upsert(references, b.node(cdxReference{Type: "evidence", URL: iriOf(o.Record), Comment: comment, Hashes: []cdxHash{{"SHA-256", digest}}}),
			func(n *jsonNode) bool { return n.member("comment").string() == comment })
	}
	held.hold("/run/id", "/run/scope", "/run/boundary", "/created_at", "/integrity")

	tool, err := b.tool(r)
	if err != nil {
		return nil, err
	}
	if tool == "" {
		return append(notes, Loss{Path: "/generator", Why: "the BOM lists its tools in the old way, by which none can be referred to"}), b.err
	}
	held.hold("/generator/name", "/generator/version")
	if b.version == "1.6" || len(placed) == 0 {
		return notes, b.err
	}
	var pointers []string
	for _, i := range placed {
		entry := pointer + "/energyConsumptions/" + strconv.Itoa(i)
		pointers = append(pointers, entry+"/energyProviders", entry+"/activityEnergyCost")
		if list.items[i].member("co2CostEquivalent") != nil {
			pointers = append(pointers, entry+"/co2CostEquivalent")
		}
	}
	citations, err := ensure(b.root, "", "citations", '[')
	if err != nil {
		return nil, err
	}
	ref := "ecotracer:citation:" + run
	upsert(citations, b.node(cdxCitation{
		BOMRef: ref, Pointers: pointers, Timestamp: r.CreatedAt.UTC().Format(time.RFC3339Nano), AttributedTo: tool,
		Note: "figures of run " + run + ", from the record whose canonical form has the SHA-256 " + digest,
	}), func(n *jsonNode) bool { return n.member("bom-ref").string() == ref })
	return notes, b.err
}

// place replaces the entries that a run has, stage by stage, and appends the
// rest. It never moves one, for others point to them by index.
func (b *bomFile) place(list *jsonNode, entries []cdxConsumption, run string) ([]int, error) {
	key := func(n *jsonNode) [2]string {
		return [2]string{propertyOf(n, "ecotracer:run"), propertyOf(n, "ecotracer:stage")}
	}
	old := map[[2]string]int{}
	for i, n := range list.items {
		k := key(n)
		if k[0] != run {
			continue
		}
		if _, twice := old[k]; twice {
			return nil, fmt.Errorf("export: the BOM has figures of %s of this run twice: remove one of the entries of energyConsumptions first", k[1])
		}
		old[k] = i
	}
	var placed []int
	for _, e := range entries {
		n := b.node(e)
		k := key(n)
		i, ok := old[k]
		if ok {
			list.items[i] = n
			delete(old, k)
		} else {
			i = len(list.items)
			list.items = append(list.items, n)
		}
		placed = append(placed, i)
	}
	for k := range old {
		return nil, fmt.Errorf("export: the BOM has figures of %s of this run, which the record has not (any more): remove that entry of energyConsumptions first", k[1])
	}
	return placed, nil
}

// propertyOf is the value of a property, "" if there is none.
func propertyOf(n *jsonNode, name string) string {
	for _, p := range n.member("properties").entries() {
		if p.member("name").string() == name {
			return p.member("value").string()
		}
	}
	return ""
}

// upsert puts an entry in the place of the one that is the same, else at the
// end.
func upsert(list, entry *jsonNode, same func(*jsonNode) bool) {
	if i := slices.IndexFunc(list.items, same); i >= 0 {
		list.items[i] = entry
	} else {
		list.items = append(list.items, entry)
	}
}

// tool is the reference of the tracer among the tools of the BOM, where it is
// added; "" if the BOM lists them in the form of before version 1.5.
func (b *bomFile) tool(r *lifecycle.Record) (string, error) {
	metadata, err := ensure(b.root, "", "metadata", '{')
	if err != nil {
		return "", err
	}
	if t := metadata.member("tools"); t != nil && t.kind == '[' {
		return "", nil
	}
	tools, err := ensure(metadata, "/metadata", "tools", '{')
	if err != nil {
		return "", err
	}
	components, err := ensure(tools, "/metadata/tools", "components", '[')
	if err != nil {
		return "", err
	}
	ref := strings.Join([]string{"ecotracer", "tool", r.Generator.Name, r.Generator.Version}, ":")
	if !slices.ContainsFunc(components.items, func(n *jsonNode) bool { return n.member("bom-ref").string() == ref }) {
		components.items = append(components.items, b.node(cdxTool{Type: "application", BOMRef: ref, Name: r.Generator.Name, Version: r.Generator.Version}))
	}
	return ref, nil
}
