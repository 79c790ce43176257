package export

import (
	"strconv"
	"strings"
	"time"
)

// codeCarbonColumns are the columns of CodeCarbon's emissions.csv in the order
// of 3.3.0. Files since 2.2.0 have some of them, and those of tasks task_name in
// front.
var codeCarbonColumns = []string{
	"timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
	"cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "water_consumed",
	"country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version",
	"cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude", "ram_total_size", "tracking_mode",
	"cpu_utilization_percent", "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
}

const (
	codeCarbonTime = "2006-01-02T15:04:05" // local, without a zone

	// What CodeCarbon calls GB is 2^30 bytes: ram_total_size of Boavizta's samples
	// is a whole number of KiB only so (43.04945373535156 is 45140624 of them).
	bytesPerGB = 1 << 30

	// codeCarbonExtension keeps the line itself in the record made of it.
	codeCarbonExtension = "io.codecarbon.emissions"
)

// codeCarbonNeeds are the columns without which nothing can be said of a line.
var codeCarbonNeeds = []string{"timestamp", "run_id", "duration", "emissions", "energy_consumed"}

// codeCarbonNone are the columns that CodeCarbon up to 3.3.0 left out of a line
// that it appended, where it had no value for them (its issue 1304), by what
// they have no value for together.
var codeCarbonNone = [][]string{{"region"}, {"gpu_count", "gpu_model"}, {"longitude", "latitude"}}

// codeCarbonFits tells whether a text may be a value of a column. It tells
// columns apart whose values have moved; what fits may still be wrong.
func codeCarbonFits(column, text string) bool {
	within := func(low, high float64) bool {
		x, err := decimalOf(text)
		return err == nil && x >= low && x <= high
	}
	switch column {
	case "timestamp":
		_, err := time.Parse(codeCarbonTime, text)
		return err == nil
	case "duration", "emissions", "emissions_rate", "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy",
		"ram_energy", "energy_consumed", "water_consumed", "ram_total_size", "cpu_utilization_percent",
		"gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb", "pue", "wue":
		return text == "" || within(0, maxFigure)
	case "cpu_count", "gpu_count":
		_, whole := wholeNumber(text)
		return text == "" || whole
	case "longitude":
		return text == "" || within(-180, 180)
	case "latitude":
		return text == "" || within(-90, 90)
	case "tracking_mode":
		return text == "machine" || text == "process"
	case "on_cloud":
		return text == "Y" || text == "N"
	case "country_iso_code":
		return len(text) == 3 && strings.ToUpper(text) == text
	case "region", "os", "cpu_model", "python_version", "codecarbon_version":
		return !within(-maxFigure, maxFigure)
	case "gpu_model":
		count, _, named := strings.Cut(text, " x ")
		_, whole := wholeNumber(count)
		return text == "" || named && whole
	}
	return true
}

// decimalOf reads a number as Python writes one: ParseFloat takes 0x1p4 and 1_000,
// too.
func decimalOf(text string) (float64, error) {
	if strings.ContainsAny(text, "xX_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// figure reads a number from 0 on.
func figure(text string) (float64, error) {
	x, err := decimalOf(text)
	if err == nil && !(x >= 0 && x <= maxFigure) {
		err = strconv.ErrRange
	}
	return x, err
}

// What is beyond any run.
const (
	maxFigure  = 1e30
	maxSeconds = 1e9
)

// wholeNumber reads a count; pandas writes one as 2.0 where a file has lines
// without.
func wholeNumber(text string) (n int, ok bool) {
	x, err := decimalOf(text)
	if err != nil || x != float64(int(x)) || x < 0 || x > 1<<31 {
		return 0, false
	}
	return int(x), true
}
