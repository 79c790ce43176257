package factors

import "strings"

// maxName is how much of a processor's name is looked at; CPUID gives 48
// bytes.
const maxName = 200

// cpuKey brings a processor's name to a common form, so that what the kernel
// tells ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz") meets what a
// vendor's list says ("Intel Xeon Platinum 8375C"): lower case, without
// marks, vendor, clock, core count, generation, graphics and filler words.
func cpuKey(name string) string {
	name = strings.ToLower(name[:min(len(name), maxName)])
	for _, mark := range []string{"(r)", "(tm)", "(c)", "®", "™"} {
		name = strings.ReplaceAll(name, mark, "")
	}
	for _, end := range []string{"@", "(", ",", " with ", " w/ ", " radeon"} {
		name, _, _ = strings.Cut(name, end)
	}
	words := strings.Fields(name)
	key := words[:0]
	for _, w := range words {
		switch {
		case fillers[w], isCoreCount(w), isClock(w):
		case w == "gen" && len(key) > 0 && isOrdinal(key[len(key)-1]):
			key = key[:len(key)-1]
		case (w == "model" || w == "rev") && len(key) > 0 && key[0] == "raspberry":
			return strings.Join(key, " ") // what follows is the board's variant
		case len(key) > 0 && isCoreTier(key[len(key)-1]) && w[0] >= '0' && w[0] <= '9':
			key[len(key)-1] += "-" + w // older kernels: Core(TM) i7 CPU 920
		default:
			key = append(key, w)
		}
	}
	return strings.Join(key, " ")
}

// fillers say nothing about the model. "0" is the first version of Xeon E5.
var fillers = map[string]bool{
	"intel": true, "amd": true, "ampere": true, "annapurna": true, "labs": true, "aws": true,
	"nvidia": true, "cpu": true, "processor": true, "apu": true, "genuine": true, "0": true,
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

func isCoreTier(w string) bool {
	return w == "i3" || w == "i5" || w == "i7" || w == "i9"
}

// classWords tell the class of a processor that is not listed by a word in
// its name. Earlier lines win.
var classWords = []struct{ class, words string }{
	{"laptop", "apple snapdragon"},
	{"server", "xeon epyc opteron altra neoverse graviton grace axion cobalt yitian kunpeng thunderx power9 power10 s390"},
	{"server", "qemu kvm virtual westmere nehalem"}, // names that emulators give
	{"embedded", "cortex raspberry atom quark bcm jetson rockchip allwinner armv6 armv7 sifive riscv"},
	{"desktop", "threadripper core ryzen pentium celeron athlon fx phenom"},
}

// classOf guesses the class of a processor from its key; unknown if nothing
// in it tells.
func classOf(key string) string {
	if key == "core" { // an emulator's "Intel Core Processor (Haswell, no TSX)"
		return "server"
	}
	for _, line := range classWords {
		for word := range strings.FieldsSeq(line.words) {
			if !strings.Contains(key, word) {
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

// isMobile recognises the suffixes by which vendors mark mobile parts: 155h,
// 7840u, i7-1165g7.
func isMobile(key string) bool {
	last := key[strings.LastIndexByte(key, ' ')+1:]
	for _, suffix := range []string{"u", "h", "hs", "hx", "hq", "hk", "p", "y", "g1", "g4", "g7"} {
		stem, ok := strings.CutSuffix(last, suffix)
		if ok && stem != "" && stem[len(stem)-1] >= '0' && stem[len(stem)-1] <= '9' {
			return true
		}
	}
	return false
}
