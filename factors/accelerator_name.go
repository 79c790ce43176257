package factors

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// acceleratorName is what the name of an accelerator tells.
type acceleratorName struct {
	key string  // the words that tell the model, without vendor and memory
	gib float64 // memory that the name tells; 0 for none

	// A part of a device: so many of its slices (MIG), or so much of its
	// memory (a virtual GPU); 0 for the whole.
	slices   int
	vgpu     float64
	sliceGiB float64

	mobile bool     // for laptops: another chip than its namesake's
	cut    bool     // the end of the name is not there
	others []string // further models that the name may be, as lspci lists them
}

// nameAccelerator reads the name of an accelerator, as NVML, nvidia-smi,
// rocm-smi, amdgpu, lspci, Kubernetes, a cloud's catalogue or a vendor's page
// print it.
func nameAccelerator(name string) acceleratorName {
	var n acceleratorName
	name = strings.TrimSpace(withoutMarks(name))
	if i := strings.LastIndexByte(name, '['); i >= 0 { // NVIDIA Corporation GP102GL [Tesla P40] (rev a1)
		if inner, _, closed := strings.Cut(name[i+1:], "]"); closed && inner != "amd/ati" && inner != "amd" {
			name = inner
		}
	}
	if whole, cut := strings.CutSuffix(name, "..."); cut {
		name, n.cut = whole, true
	}
	name, others, _ := strings.Cut(name, "/")
	if others != "" && !strings.HasPrefix(others, "ati") {
		n.others = strings.Split(others, "/")
	}
	name, _, _ = strings.Cut(name, " rev.")
	name, mig, _ := strings.Cut(name, " mig ")
	if m := migProfile().FindStringSubmatch(mig); m != nil {
		n.slices, _ = strconv.Atoi(m[1])
		n.sliceGiB, _ = strconv.ParseFloat(m[2], 64)
	}
	words := acceleratorWords(name, &n)
	if last := len(words) - 1; last > 0 {
		if m := vgpuProfile().FindStringSubmatch(words[last]); m != nil {
			n.vgpu, _ = strconv.ParseFloat(m[1], 64)
			n.sliceGiB, words = n.vgpu, words[:last]
		}
	}
	n.key = strings.Join(words, " ")
	return n
}

// pattern compiles a regular expression when it is first asked for: who only
// imports the package does not pay for it.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

var (
	migProfile  = pattern(`^(\d{1,2})g\.(\d{1,4})gb`)
	vgpuProfile = pattern(`^(\d{1,3})[abcq]$`)
	memoryWord  = pattern(`^(\d{1,4})g(?:b|ib)?$`)
	countWord   = pattern(`^\d+x?$`)
)

// acceleratorWords are the words that tell a model; what they tell of memory
// and of laptops goes to n.
func acceleratorWords(name string, n *acceleratorName) []string {
	words := make([]string, 0, 8)
	for w := range strings.FieldsFuncSeq(withoutParentheses(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '+'
	}) {
		last := len(words) - 1
		switch m := memoryWord().FindStringSubmatch(w); {
		case m != nil:
			n.gib, _ = strconv.ParseFloat(m[1], 64)
		case w == "gb" && last >= 0 && countWord().MatchString(words[last]):
			n.gib, _ = strconv.ParseFloat(words[last], 64)
			words = words[:last]
		case w == "laptop", w == "mobile", w == "notebook", w == "q" && last >= 0 && words[last] == "max" && (last == 0 || words[0] != "rtx" || words[1] != "pro"):
			n.mobile = true
		case w == "x" && last == 0 && countWord().MatchString(words[0]): // 1 x Tesla T4
			words = words[:0]
		case last < 0 && strings.HasSuffix(w, "x") && countWord().MatchString(w): // 8x A100
		case acceleratorFillers[w]:
		default:
			words = append(words, w)
		}
	}
	return words
}

// withoutParentheses drops what is in them, such as (rev a1), but for the
// generation of TITAN X (Pascal).
func withoutParentheses(name string) string {
	for {
		before, rest, open := strings.Cut(name, "(")
		if !open {
			return name
		}
		inner, after, _ := strings.Cut(rest, ")")
		if inner != "pascal" {
			inner = ""
		}
		name = before + " " + inner + " " + after
	}
}

var acceleratorFillers = map[string]bool{
	"nvidia": true, "corporation": true, "amd": true, "ati": true, "advanced": true, "micro": true, "devices": true, "inc": true, "inc.": true,
	"intel": true, "google": true, "aws": true, "qualcomm": true, "habana": true, "labs": true, "geforce": true, "tesla": true, "radeon": true, "instinct": true,
	"grid": true, "tensor": true, "core": true, "gpu": true, "gpus": true, "graphics": true, "card": true, "accelerator": true, "generation": true, "edition": true,
	"oam": true, "hgx": true, "dgx": true, "nvl36": true, "nvl72": true,
	"cloud": true, "data": true, "center": true, "centre": true, "series": true, "vf": true, "developer": true, "kit": true, "engineering": true, "reference": true,
	"gddr6": true, "gddr6x": true, "gddr7": true,
}

// classOfAccelerator guesses the class of an accelerator that is not listed.
func classOfAccelerator(n acceleratorName, name string) string {
	words := strings.Fields(n.key)
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	name = strings.ToLower(name)
	switch {
	case n.mobile, has("rtx", "gtx", "gt", "titan", "arc", "rx", "quadro", "vega", "mx"), strings.Contains(name, "geforce"), strings.Contains(name, "firepro"),
		strings.Contains(name, "radeon pro"), len(words) > 0 && workstationName().MatchString(words[0]):
		return "gpu-consumer"
	case has("inferentia", "inferentia3"):
		return "gpu-inference"
	case has("gaudi", "hl", "tpu", "trainium", "ascend"), strings.Contains(name, "tesla"), strings.Contains(name, "instinct"), strings.Contains(name, "data center gpu"),
		len(words) > 0 && datacentreName().MatchString(words[0]):
		return "gpu-datacentre"
	}
	return unknown
}

// workstationName is how NVIDIA names small cards for workstations: T400, T1000.
var workstationName = pattern(`^t\d{3,4}$`)

// integratedName is how vendors name graphics that are part of a processor:
// Radeon 780M, Iris Xe, UHD Graphics 630, Adreno 740, Orin (nvgpu).
var integratedName = pattern(`^(\d{3}m|80[4-6]0s|u?hd(\b.*)?|iris\b.*|arc|adreno\b.*|mali\b.*|vega \d+|(orin|xavier|tegra)\b.*)$`)

// isIntegrated tells whether a name that is not listed is that of graphics in a
// processor's chip; "AMD Radeon Graphics" is all that some of them say.
func isIntegrated(n acceleratorName, name string) bool {
	return integratedName().MatchString(n.key) || n.key == "" && strings.Contains(strings.ToLower(name), "graphics")
}

// datacentreName is how NVIDIA and AMD name what they sell for data centres:
// A100, GB200, MI300X.
var datacentreName = pattern(`^([abhlprv]\d{1,4}[a-z]?|g[bh][2-9]00|mi\d{2,3}[a-z]?)$`)
