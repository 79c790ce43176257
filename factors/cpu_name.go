package factors

import (
	"slices"
	"strings"
)

// maxName is how much of a device's name is looked at; CPUID gives 48 bytes.
const maxName = 200

// cpuKey brings a processor's name to a common form, so that what the kernel
// tells ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz") meets what a
// vendor's list says ("Intel Xeon Platinum 8375C"): lower case, without
// marks, vendor, clock, core count, generation, graphics and filler words.
func cpuKey(name string) string {
	name = withoutMarks(name)
	if whole, cut := strings.CutSuffix(strings.TrimSpace(name), "..."); cut {
		name = whole[:strings.LastIndexByte(whole, ' ')+1] // half a word, as lscpu cuts it
	}
	name = strings.TrimPrefix(name, "huawei,")
	for _, end := range nameEnds {
		if i := strings.Index(name, end); i >= 0 {
			name = name[:i]
		}
	}
	words := make([]string, 0, 8)
	for w := range strings.FieldsSeq(name) {
		last := len(words) - 1
		switch {
		case fillers[w], isCoreCount(w), isClock(w):
		case w == "gen" && last >= 0 && isOrdinal(words[last]):
			words = words[:last]
		case (w == "model" || w == "rev") && last >= 0 && words[0] == "raspberry":
			return strings.Join(words, " ") // what follows is the board's variant
		case last >= 0 && isCoreTier(words[last]) && w[0] >= '0' && w[0] <= '9':
			words[last] += "-" + w // older kernels: Core(TM) i7 CPU 920
		case last >= 0 && strings.HasSuffix(words[last], "-"):
			words[last] += w // E7- 8870
		case isAppleCore(w):
			words = append(words, "apple")
			words = append(words, strings.Split(w, "-")[1:]...)
		default:
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// nameEnds are what the name of a model ends at.
var nameEnds = []string{"@", "(", ",", " with ", " w/ ", " radeon"}

// withoutMarks is a name in lower case, without ® and ™.
func withoutMarks(name string) string {
	name = name[:min(len(name), maxName)]
	if strings.ContainsAny(name, "(®™") {
		name = marks.Replace(name)
	}
	return strings.ToLower(name)
}

var marks = strings.NewReplacer("(R)", "", "(r)", "", "(TM)", "", "(tm)", "", "(Tm)", "", "(C)", "", "(c)", "", "®", "", "™", "")

// fillers say nothing about the model. "0" is the first version of Xeon E5.
var fillers = map[string]bool{
	"intel": true, "amd": true, "ampere": true, "annapurna": true, "labs": true, "aws": true, "google": true, "azure": true,
	"nvidia": true, "cpu": true, "processor": true, "apu": true, "chip": true, "genuine": true, "scalable": true, "0": true,
}

// isCoreCount recognises 32-core, 64-cores, eight-core.
func isCoreCount(w string) bool {
	return strings.HasSuffix(w, "-core") || strings.HasSuffix(w, "-cores")
}

func isClock(w string) bool {
	return (strings.HasSuffix(w, "ghz") || strings.HasSuffix(w, "mhz")) && w[0] >= '0' && w[0] <= '9'
}

// isOrdinal recognises 11th.
func isOrdinal(w string) bool {
	return len(w) > 2 && w[0] >= '0' && w[0] <= '9' && strings.Contains("st nd rd th", w[len(w)-2:])
}

// isAppleCore recognises how Linux names the cores of an Apple chip:
// firestorm-m1-pro.
func isAppleCore(w string) bool {
	core, _, of := strings.Cut(w, "-")
	return of && slices.Contains([]string{"firestorm", "icestorm", "avalanche", "blizzard", "everest", "sawtooth"}, core)
}

func isCoreTier(w string) bool {
	return w == "i3" || w == "i5" || w == "i7" || w == "i9"
}

// generations are the families that emulators, clouds and Arm's kernel name in
// place of a model: words of the name, and the keys of the models that it may
// be (as path.Match reads them). Earlier lines win.
var generations = []struct {
	words, models []string
}{
	{[]string{"epyc-naples", "naples"}, []string{"epyc 7??1*"}},
	{[]string{"epyc-rome", "rome"}, []string{"epyc 7??2*"}},
	{[]string{"epyc-milan", "milan"}, []string{"epyc 7??3*"}},
	{[]string{"epyc-genoa", "genoa"}, []string{"epyc 9??4*"}},
	{[]string{"epyc-turin", "turin"}, []string{"epyc 9??5*"}},
	{[]string{"graniterapids", "granite rapids"}, []string{"xeon 6[5-9]??p*"}},
	{[]string{"sierraforest", "sierra forest"}, []string{"xeon 6[5-9]??e*"}},
	{[]string{"emeraldrapids", "emerald rapids"}, []string{"xeon platinum 85??*", "xeon gold [56]5??*", "xeon silver 45??*"}},
	{[]string{"sapphirerapids", "sapphire rapids"}, []string{"xeon platinum 84??*", "xeon gold [56]4??*", "xeon silver 44??*"}},
	{[]string{"icelake", "ice lake"}, []string{"xeon platinum 83??*", "xeon gold [56]3??*", "xeon silver 43??*"}},
	{[]string{"cascadelake", "cascade lake"}, []string{"xeon platinum 82??*", "xeon gold [56]2??*", "xeon silver 42??*"}},
	{[]string{"skylake"}, []string{"xeon platinum 81??*", "xeon gold [56]1??*", "xeon silver 41??*"}},
	{[]string{"broadwell"}, []string{"xeon e5-26??* v4"}},
	{[]string{"haswell"}, []string{"xeon e5-26??* v3"}},
	{[]string{"ivybridge", "ivy bridge"}, []string{"xeon e5-26??* v2"}},
	{[]string{"sandybridge", "sandy bridge"}, []string{"xeon e5-26??", "xeon e5-26??[lw]"}},
	{[]string{"neoverse-n1"}, []string{"graviton2", "altra *"}},
	{[]string{"neoverse-v1"}, []string{"graviton3", "graviton3e"}},
	{[]string{"neoverse-v2", "axion"}, []string{"graviton4", "grace"}},
}

// generation is the keys of the models that a name may stand for, if it tells
// no model but a generation: "Intel Xeon Processor (Skylake, IBRS)". The name
// of a real model never does.
func generation(name, key string) (word string, models []string) {
	if i := strings.LastIndex(key, "-v"); i > 0 && strings.Trim(key[i+2:], "0123456789") == "" {
		key = key[:i] // libvirt's version of its model: epyc-rome-v4
	}
	if strings.ContainsAny(key, "0123456789") && !strings.HasPrefix(key, "neoverse-") && key != "xeon e312xx" {
		return "", nil
	}
	name = withoutMarks(name)
	for _, g := range generations {
		for _, w := range g.words {
			if strings.Contains(name, w) {
				return w, g.models
			}
		}
	}
	return "", nil
}

// classWords tell the class of a processor that is not listed by what a word
// in its name begins with. Earlier lines win.
var classWords = []struct{ class, words string }{
	{"laptop", "apple virtualapple snapdragon qualcomm oryon cortex-x n95 n97 n100 n150 n200 m3- m5- m7- m-5"},
	{"server", "xeon epyc opteron altra ampere-1 ampereone neoverse graviton grace axion cobalt yitian kunpeng thunderx power7 power8 power9 power10 power11 ibm/s390 s390 hygon c86 phytium ft-2 s2500/64 a64fx loongson-3c"},
	{"server", "qemu kvm virtual virt- pc-i440fx pc-q35 westmere nehalem"}, // names that emulators give
	{"embedded", "cortex raspberry atom quark bcm jetson orin thor tegra rockchip rk3 allwinner armv6 armv7 sifive riscv thead t-head starfive spacemit gx-"},
	{"desktop", "threadripper core core2 ryzen pentium celeron athlon fx- phenom a4- a6- a8- a9- a10- a12- loongson-3a zhaoxin"},
}

// classOf guesses the class of a processor from its key; unknown if nothing
// in it tells.
func classOf(key string) string {
	if key == "core" || isPlaceholder(key) { // an emulator's "Intel Core Processor (Haswell, no TSX)"
		return "server"
	}
	words := strings.FieldsFunc(key, func(r rune) bool { return r == ' ' || r == ',' })
	begins := func(with string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, with) })
	}
	for _, line := range classWords {
		for word := range strings.FieldsSeq(line.words) {
			if !begins(word) {
				continue
			}
			if line.class == "desktop" && isMobile(key) {
				return "laptop"
			}
			return line.class
		}
	}
	return unknown
}

// isPlaceholder recognises what an emulator calls a generation: core i7-9xx.
func isPlaceholder(key string) bool { return strings.HasSuffix(key, "xx") }

// isMobile recognises the suffixes by which vendors mark mobile parts: 155h,
// 7840u, i7-1165g7; and the small parts that are built like these.
func isMobile(key string) bool {
	last := key[strings.LastIndexByte(key, ' ')+1:]
	if small, is := strings.CutPrefix(key, "celeron "); is || strings.HasPrefix(key, "pentium silver") {
		return !strings.HasPrefix(small, "g") // N5105 and J4125, of 6 to 10 W, but not G5905
	}
	for _, suffix := range []string{"u", "h", "hs", "hx", "hq", "hk", "p", "y", "m", "mq", "mx", "qm", "xm", "g1", "g4", "g7"} {
		stem, ok := strings.CutSuffix(last, suffix)
		if ok && stem != "" && stem[len(stem)-1] >= '0' && stem[len(stem)-1] <= '9' {
			return true
		}
	}
	return false
}
