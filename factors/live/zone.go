package live

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ecotracer/ecotracer/factors"
)

// spot is where a query is, as far as that is certain.
type spot struct {
	country  string // ISO 3166-1
	region   string // ISO 3166-2
	cloud    bool   // a cloud region was named
	grid     string // its zone in a country with several, as Electricity Maps names it
	watttime string // the cloud region's, as WattTime names it
}

// spotOf reads the place of a query, but for its zone, which each source has
// names of its own for.
func spotOf(q factors.Query) (spot, error) {
	p := spot{country: q.Country, region: q.Region, cloud: q.CloudRegion != ""}
	if _, err := factors.Lookup(factors.Query{Kind: factors.Grid, Country: p.country, Region: p.region}); err != nil {
		return p, err // there is a figure of every place that exists
	}
	if p.country == "" && p.region != "" {
		p.country = p.region[:2]
	}
	if p.cloud {
		name := q.Provider + ":" + q.CloudRegion
		country, region, err := factors.CloudPlace(q.Provider, q.CloudRegion)
		switch {
		case err != nil && p.country == "":
			return p, fmt.Errorf("cloud region %s is not known here: give its country or its zone", name)
		case err == nil && p.country != "" && p.country != country:
			return p, fmt.Errorf("cloud region %s is in %s, not in %s", name, country, p.country)
		case err == nil && (p.region == "" || p.region == region):
			site := sites()[name]
			p = spot{country, region, true, site.grid, site.watttime}
		}
	}
	if p.grid == "" {
		p.grid = regionZone(p.region)
	}
	return p, nil
}

// choose finds the zone of a place. own is the zone that a source was given, in
// country if that is known. It is taken where the place is no more than its
// country, or nothing; else the zone is derived; and where that is not certain
// it is own again, unless it is known to be elsewhere.
func (p spot) choose(own, country string, derive func() (string, error)) (string, error) {
	if own != "" && p.region == "" && !p.cloud && (p.country == "" || p.country == country) {
		return own, nil
	}
	name, err := derive()
	if err != nil && own != "" && (p.country == "" || country == "" || p.country == country) {
		return own, nil
	}
	return name, err
}

// form tells whether a name has a form. The expression is compiled when it is
// first asked for: who only imports the package does not pay for it.
func form(expression string) func(name string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
	return func(name string) bool { return compiled().MatchString(name) }
}

// emZone is the form of the zones of Electricity Maps: DE, SE-SE3, US-CAL-CISO.
var emZone = form(`^[A-Z]{2}(-[A-Z0-9]{1,8}){0,2}$`)

// Countries that Electricity Maps divides into several zones, none of which is
// nearly all of the country.
var divided = map[string]string{
	"AU": "AU-NSW", "BR": "BR-CS", "CA": "CA-QC", "CL": "CL-SEN", "DK": "DK-DK1", "FO": "FO-MI", "IN": "IN-WE",
	"IT": "IT-NO", "JP": "JP-TK", "MY": "MY-WM", "NO": "NO-NO1", "PH": "PH-LU", "RU": "RU-1", "SE": "SE-SE3", "US": "US-CAL-CISO",
}

// regionZone is the grid zone of Electricity Maps that a region is, or is all
// in; "" if it is not known.
func regionZone(region string) string {
	switch {
	case region == "AU-ACT":
		return "AU-NSW"
	case slices.Contains(regionZones, region):
		return region
	}
	return ""
}

var regionZones = strings.Fields(`AU-NSW AU-NT AU-QLD AU-SA AU-TAS AU-VIC AU-WA
	CA-AB CA-BC CA-MB CA-NB CA-NS CA-NT CA-NU CA-ON CA-PE CA-QC CA-SK CA-YT GB-NIR`)

// Countries whose zone leaves out islands and exclaves, with the regions that
// are surely in it.
var mainland = map[string][]string{
	"ES": strings.Fields("AN AR AS CB CL CM CT EX GA MC MD NC PV RI VC"),
	"FR": strings.Fields("ARA BFC BRE CVL GES HDF IDF NAQ NOR OCC PAC PDL"),
	"GB": strings.Fields("ENG WLS"),
	"GR": nil, "NZ": nil, "PT": nil,
}

// emZoneOf is the zone of Electricity Maps that a place is in.
func (p spot) emZoneOf() (string, error) {
	switch {
	case p.country == "":
		return "", fmt.Errorf("no place: give a country, a zone, or a cloud's provider and region")
	case p.grid != "":
		return p.grid, nil
	case divided[p.country] != "":
		return "", fmt.Errorf("%s has several grid zones: give Zone, such as %s", p.country, divided[p.country])
	}
	if in, some := mainland[p.country]; some && p.region != "" && !slices.Contains(in, p.region[3:]) {
		return "", fmt.Errorf("whether %s is in the grid zone %s is not known here: give Zone, such as %s", p.region, p.country, p.country)
	}
	return p.country, nil
}

// geography is the ISO 3166 code of a zone of Electricity Maps, or that of the
// country it is in.
func geography(zone string) string {
	if slices.Contains(regionZones, zone) {
		return zone
	}
	if code := zone[:min(2, len(zone))]; factors.IsCountry(code) {
		return code
	}
	return ""
}

// agrees tells whether a zone of Electricity Maps that a query names can be
// that of its place.
func (p spot) agrees(zone string) error {
	if p.country != "" && !strings.HasPrefix(zone, p.country) {
		return fmt.Errorf("zone %s is not in %s", zone, p.country)
	}
	if p.grid != "" && p.grid != zone && zone != p.country {
		return fmt.Errorf("zone %s is not that of the place, which is %s", zone, p.grid)
	}
	return nil
}

// site is the grid that a cloud region takes its electricity from.
type site struct{ grid, watttime string }

// sites are cloud regions in countries with several grids whose city, which the
// provider names, lies well within one. Zones of WattTime, where they are told:
// real-time cloud metadata of the Green Software Foundation.
var sites = sync.OnceValue(func() map[string]site {
	all := map[string]site{}
	for line := range strings.Lines(strings.TrimSpace(siteLines)) {
		f := strings.Fields(line)
		for _, region := range f[2:] {
			all[region] = site{f[0], strings.Trim(f[1], "-")}
		}
	}
	return all
})

const siteLines = `
BR-CS        -                  aws:sa-east-1 azure:brazilsouth gcp:southamerica-east1
CL-SEN       -                  azure:chilecentral gcp:southamerica-west1
DK-DK2       -                  azure:denmarkeast
IN-NO        -                  gcp:asia-south2
IN-SO        -                  aws:ap-south-2 azure:southindia
IN-WE        -                  aws:ap-south-1 azure:centralindia azure:westindia gcp:asia-south1
IT-NO        -                  aws:eu-south-1 azure:italynorth gcp:europe-west8 gcp:europe-west12
JP-KN        JP_KN              aws:ap-northeast-3 azure:japanwest gcp:asia-northeast2
JP-TK        JP_TK              aws:ap-northeast-1 azure:japaneast gcp:asia-northeast1
MY-WM        -                  aws:ap-southeast-5 azure:malaysiawest
NO-NO1       -                  azure:norwayeast
NO-NO2       -                  azure:norwaywest
SE-SE3       -                  aws:eu-north-1 gcp:europe-north2
US-CAL-CISO  CAISO_NORTH        aws:us-west-1
US-CAR-SC    SC                 gcp:us-east1
US-MIDA-PJM  -                  aws:us-gov-east-1 azure:northcentralus
US-MIDA-PJM  PJM_DC             aws:us-east-1 azure:eastus azure:eastus2 gcp:us-east4
US-MIDA-PJM  PJM_SOUTHWEST_OH   aws:us-east-2 gcp:us-east5
US-MIDW-MISO MISO               azure:centralus
US-MIDW-MISO MISO_MASON_CITY    gcp:us-central1
US-NW-BPAT   BPA                gcp:us-west1
US-NW-GCPD   -                  azure:westus2
US-NW-NEVP   NEVP               gcp:us-west4
US-NW-PACE   PACE               gcp:us-west3
US-TEX-ERCO  -                  azure:southcentralus
US-TEX-ERCO  ERCOT_NORTHCENTRAL gcp:us-south1
`
