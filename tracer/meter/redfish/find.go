package redfish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/tracer/meter"
)

const (
	maxMembers = 64 // of a collection that are looked at
	maxPages   = 8
)

// node is the chassis that is this node, and what the controller says of it.
type node struct {
	path    string // of the chassis
	system  string // path of the computer system in it; "" if that is not known
	chassis chassis
	model   string
	tool    string // the management controller
	version string
}

// members lists a collection.
func (a *client) members(ctx context.Context, at string) ([]string, error) {
	var paths []string
	for range maxPages {
		if at == "" {
			break
		}
		var c collection
		if err := a.get(ctx, at, &c); err != nil {
			return nil, err
		}
		for _, m := range c.Members {
			if m.Path != "" && len(paths) < maxMembers && !slices.Contains(paths, m.Path) {
				paths = append(paths, m.Path)
			}
		}
		at = c.Next
	}
	return paths, nil
}

// find logs in and finds the chassis whose power is that of this node: the one
// that is named, else that of the only computer system (ComputerSystem,
// Links.Chassis).
func (a *client) find(ctx context.Context, named string) ([]node, error) {
	var root serviceRoot
	err := a.get(ctx, rootPath, &root)
	stranger := errors.Is(err, fs.ErrNotExist) || errors.Is(err, errGarbled)
	switch {
	case err != nil && !stranger:
		return nil, err
	case stranger, root.RedfishVersion == "" && root.Chassis.Path == "":
		return nil, &failure{condition: meter.Unreadable, why: "the address does not speak Redfish", fix: "set the URL to the management controller (BMC, iDRAC, iLO, XCC) of this node"}
	}
	if root.Links.Sessions.Path != "" {
		a.sessions = root.Links.Sessions.Path
	}
	if err := a.login(ctx); err != nil {
		return nil, err
	}
	all, err := a.members(ctx, root.Chassis.Path)
	if err != nil {
		return nil, err
	}
	systems, err := a.systems(ctx, root.Systems.Path)
	if err != nil {
		return nil, err
	}

	var nodes []node
	switch {
	case named != "":
		nodes, err = a.named(ctx, all, named)
	case len(systems) > 1:
		return nil, &failure{
			condition: meter.Unreadable,
			why:       fmt.Sprintf("the management controller looks after %d computer systems, and cannot know which of them this is", len(systems)),
			detail:    "chassis: " + ids(all),
			fix:       "name the chassis that is this node",
		}
	case len(systems) == 1:
		nodes, err = a.chassisOf(ctx, all, systems[0])
	case len(all) == 1:
		nodes, err = a.chassisAt(ctx, all)
	default:
		return nil, &failure{
			condition: meter.Unreadable,
			why:       fmt.Sprintf("the management controller tells %d chassis and no computer system", len(all)),
			detail:    "chassis: " + ids(all),
			fix:       "name the chassis that is this node",
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range nodes {
		n := &nodes[i]
		var managed []link
		for _, s := range systems {
			if same(s.path, n.system) {
				n.model, managed = clean(s.Model), s.Links.ManagedBy
			}
		}
		if n.model == "" {
			n.model = clean(n.chassis.Model)
		}
		n.tool, n.version = a.manager(ctx, root.Managers.Path, append(managed, n.chassis.Links.ManagedBy...))
	}
	return nodes, nil
}

// located is a system and where it is.
type located struct {
	system
	path string
}

// systems are the computers proper: a controller may show its accelerators'
// own processors (SystemType DPU) or virtual machines as systems too.
func (a *client) systems(ctx context.Context, at string) ([]located, error) {
	paths, err := a.members(ctx, at)
	if err != nil {
		return nil, err
	}
	var out []located
	for _, p := range paths {
		s := located{path: p}
		if err := a.get(ctx, p, &s.system); err != nil {
			return nil, err
		}
		if s.SystemType == "" || s.SystemType == "Physical" {
			out = append(out, s)
		}
	}
	return out, nil
}

// named finds a chassis by its Id, which is mostly the end of its path.
func (a *client) named(ctx context.Context, all []string, id string) ([]node, error) {
	for _, p := range all {
		if path.Base(p) == id {
			return a.chassisAt(ctx, []string{p})
		}
	}
	nodes, err := a.chassisAt(ctx, all)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.chassis.ID == id {
			return []node{n}, nil
		}
	}
	return nil, &failure{condition: meter.Unreadable, why: "the management controller has no chassis of the given Id", detail: "chassis: " + ids(all), fix: "name one that it has"}
}

func (a *client) chassisAt(ctx context.Context, paths []string) ([]node, error) {
	var nodes []node
	for _, p := range paths {
		n := node{path: p}
		if err := a.get(ctx, p, &n.chassis); err != nil {
			return nil, err
		}
		if s := n.chassis.Links.ComputerSystems; len(s) == 1 {
			n.system = s[0].Path
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// chassisOf are the chassis of a system, the outermost first. Drive cages,
// cards and the like are none.
func (a *client) chassisOf(ctx context.Context, all []string, s located) ([]node, error) {
	paths := all // which of them link to the system is to be seen
	if len(s.Links.Chassis) > 0 {
		paths = nil
		for _, l := range s.Links.Chassis[:min(len(s.Links.Chassis), maxMembers)] {
			paths = append(paths, l.Path)
		}
	}
	nodes, err := a.chassisAt(ctx, paths)
	if err != nil {
		return nil, err
	}
	nodes = slices.DeleteFunc(nodes, func(n node) bool {
		linked := len(s.Links.Chassis) > 0 || len(all) == 1 || slices.ContainsFunc(n.chassis.Links.ComputerSystems, func(l link) bool { return same(l.Path, s.path) })
		return !linked || rank(n.chassis.ChassisType) < 0
	})
	slices.SortStableFunc(nodes, func(m, n node) int {
		return rank(m.chassis.ChassisType) - rank(n.chassis.ChassisType)
	})
	for i := range nodes {
		nodes[i].system = s.path
	}
	return nodes, nil
}

// same tells whether two links lead to one resource.
func same(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }

// ranks are the types of chassis (Chassis, ChassisType) that can be a whole
// computer, the likeliest first.
var ranks = []string{"RackMount", "StandAlone", "Blade", "Sled", "Cartridge", "Drawer", "Enclosure", "Module", "Other", "", "Component"}

func rank(chassisType string) int { return slices.Index(ranks, chassisType) }

// manager tells which make of controller it is, if it can be known.
func (a *client) manager(ctx context.Context, at string, linked []link) (tool, version string) {
	if len(linked) == 0 {
		paths, err := a.members(ctx, at)
		if err != nil || len(paths) != 1 {
			return "", ""
		}
		linked = []link{{paths[0]}}
	}
	var m manager
	if err := a.get(ctx, linked[0].Path, &m); err != nil {
		return "", ""
	}
	return clean(m.Model), clean(m.FirmwareVersion)
}

// ids lists the names of resources for people, and not too many.
func ids(paths []string) string {
	const most = 20
	var names []string
	for _, p := range paths[:min(len(paths), most)] {
		names = append(names, clean(path.Base(p)))
	}
	if len(paths) > most {
		names = append(names, fmt.Sprintf("and %d more", len(paths)-most))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
