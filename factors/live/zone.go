package live

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ecotracer/ecotracer/factors"
)

// spot is where a query is, as far as that is certain.
type spot struct {
	country  string // ISO 3166-1
	region   string // ISO 3166-2
	cloud    bool   // a cloud region was named
	grid     string // its grid zone in a country with several, as Electricity Maps names it
	watttime string // that of WattTime
}

// spotOf reads the place of a query, but for its zone, which each source has
// names of its own for.
func spotOf(q factors.Query) (spot, error) {
	p := spot{country: q.Country, region: q.Region}
	if q.Region != "" {
		if len(q.Region) < 4 || q.Region[2] != '-' {
			return p, fmt.Errorf("region %q is no ISO 3166-2 code, such as CA-QC", q.Region)
		}
		if p.country == "" {
			p.country = q.Region[:2]
		}
		if p.country != q.Region[:2] {
			return p, fmt.Errorf("region %s is not in %s", q.Region, p.country)
		}
	}
	if p.country != "" && !factors.IsCountry(p.country) {
		return p, fmt.Errorf("country %q is no ISO 3166-1 alpha-2 code, such as DE", p.country)
	}
	if p.cloud = q.CloudRegion != ""; !p.cloud {
		return p, nil
	}
	c, known := clouds[q.Provider+":"+q.CloudRegion]
	switch {
	case !known && p.country == "":
		return p, fmt.Errorf("cloud region %s:%s is not known here: give its country or its zone", q.Provider, q.CloudRegion)
	case !known:
		return p, nil
	case p.country != "" && p.country != c.country:
		return p, fmt.Errorf("cloud region %s:%s is in %s, not in %s", q.Provider, q.CloudRegion, c.country, p.country)
	}
	p.country = c.country
	if p.region == "" {
		p.grid, p.watttime = c.grid, c.watttime
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

// emZone is the form of the zones of Electricity Maps: DE, SE-SE3, US-CAL-CISO.
var emZone = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,8}){0,2}$`)

// Countries that Electricity Maps divides into several zones, none of which is
// nearly all of the country.
var divided = map[string]string{
	"AU": "AU-NSW", "BR": "BR-CS", "CA": "CA-QC", "CL": "CL-SEN", "DK": "DK-DK1", "FO": "FO-MI", "IN": "IN-WE",
	"IT": "IT-NO", "JP": "JP-TK", "MY": "MY-WM", "NO": "NO-NO1", "PH": "PH-LU", "RU": "RU-1", "SE": "SE-SE3", "US": "US-CAL-CISO",
}

// Regions that are grid zones of Electricity Maps themselves.
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
	case p.region != "" && slices.Contains(regionZones, p.region):
		return p.region, nil
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
		return fmt.Errorf("zone %s is not that of the cloud region, which is %s", zone, p.grid)
	}
	return nil
}

// cloud is where a region of a cloud provider is.
type cloud struct{ country, grid, watttime string }

// clouds are the regions whose place and grid are certain: the country and
// city are published by the provider. grid is given where the country has
// several zones and the city lies well within one. Zones of WattTime:
// real-time cloud metadata of the Green Software Foundation.
var clouds = readClouds(`
aws:af-south-1 ZA
aws:ap-east-1 HK
aws:ap-east-2 TW
aws:ap-northeast-1 JP JP-TK JP_TK
aws:ap-northeast-2 KR
aws:ap-northeast-3 JP JP-KN JP_KN
aws:ap-south-1 IN IN-WE IND
aws:ap-south-2 IN IN-SO IND
aws:ap-southeast-1 SG
aws:ap-southeast-2 AU AU-NSW NEM_NSW
aws:ap-southeast-3 ID
aws:ap-southeast-4 AU AU-VIC NEM_VIC
aws:ap-southeast-5 MY MY-WM
aws:ap-southeast-6 NZ
aws:ap-southeast-7 TH
aws:ca-central-1 CA CA-QC HQ
aws:ca-west-1 CA CA-AB
aws:cn-north-1 CN
aws:cn-northwest-1 CN
aws:eu-central-1 DE
aws:eu-central-2 CH
aws:eu-north-1 SE SE-SE3 SE
aws:eu-south-1 IT IT-NO IT
aws:eu-south-2 ES
aws:eu-west-1 IE
aws:eu-west-2 GB
aws:eu-west-3 FR
aws:eusc-de-east-1 DE
aws:il-central-1 IL
aws:me-central-1 AE
aws:me-south-1 BH
aws:mx-central-1 MX
aws:sa-east-1 BR BR-CS BRA
aws:us-east-1 US US-MIDA-PJM PJM_DC
aws:us-east-2 US US-MIDA-PJM PJM_SOUTHWEST_OH
aws:us-gov-east-1 US US-MIDA-PJM
aws:us-gov-west-1 US
aws:us-west-1 US US-CAL-CISO CAISO_NORTH
aws:us-west-2 US
azure:australiacentral AU AU-NSW NEM_NSW
azure:australiaeast AU AU-NSW NEM_NSW
azure:australiasoutheast AU AU-VIC NEM_VIC
azure:austriaeast AT
azure:belgiumcentral BE
azure:brazilsouth BR BR-CS BRA
azure:canadacentral CA CA-ON
azure:canadaeast CA CA-QC HQ
azure:centralindia IN IN-WE IND
azure:centralus US US-MIDW-MISO MISO
azure:chilecentral CL CL-SEN CHL
azure:denmarkeast DK DK-DK2 DK
azure:eastasia HK
azure:eastus US US-MIDA-PJM PJM_DC
azure:eastus2 US US-MIDA-PJM PJM_DC
azure:finlandcentral FI
azure:francecentral FR
azure:francesouth FR
azure:germanynorth DE
azure:germanywestcentral DE
azure:greececentral GR
azure:indonesiacentral ID
azure:israelcentral IL
azure:italynorth IT IT-NO IT
azure:japaneast JP JP-TK JP_TK
azure:japanwest JP JP-KN JP_KN
azure:koreacentral KR
azure:koreasouth KR
azure:malaysiawest MY MY-WM
azure:mexicocentral MX
azure:newzealandnorth NZ
azure:northcentralus US US-MIDA-PJM
azure:northeurope IE
azure:norwayeast NO NO-NO1
azure:norwaywest NO NO-NO2
azure:polandcentral PL
azure:qatarcentral QA
azure:southafricanorth ZA
azure:southafricawest ZA
azure:southcentralus US US-TEX-ERCO
azure:southeastasia SG
azure:southindia IN IN-SO IND
azure:spaincentral ES
azure:swedencentral SE
azure:switzerlandnorth CH
azure:switzerlandwest CH
azure:taiwannorth TW
azure:uaecentral AE
azure:uaenorth AE
azure:uksouth GB
azure:ukwest GB
azure:westcentralus US
azure:westeurope NL
azure:westindia IN IN-WE IND
azure:westus US
azure:westus2 US US-NW-GCPD
azure:westus3 US
gcp:africa-south1 ZA
gcp:asia-east1 TW
gcp:asia-east2 HK
gcp:asia-northeast1 JP JP-TK JP_TK
gcp:asia-northeast2 JP JP-KN JP_KN
gcp:asia-northeast3 KR
gcp:asia-south1 IN IN-WE IND
gcp:asia-south2 IN IN-NO IND
gcp:asia-southeast1 SG
gcp:asia-southeast2 ID
gcp:australia-southeast1 AU AU-NSW NEM_NSW
gcp:australia-southeast2 AU AU-VIC NEM_VIC
gcp:europe-central2 PL
gcp:europe-north1 FI
gcp:europe-north2 SE SE-SE3 SE
gcp:europe-southwest1 ES
gcp:europe-west1 BE
gcp:europe-west2 GB
gcp:europe-west3 DE
gcp:europe-west4 NL
gcp:europe-west6 CH
gcp:europe-west8 IT IT-NO IT
gcp:europe-west9 FR
gcp:europe-west10 DE
gcp:europe-west12 IT IT-NO IT
gcp:me-central1 QA
gcp:me-central2 SA
gcp:me-west1 IL
gcp:northamerica-northeast1 CA CA-QC HQ
gcp:northamerica-northeast2 CA CA-ON
gcp:northamerica-south1 MX
gcp:southamerica-east1 BR BR-CS BRA
gcp:southamerica-west1 CL CL-SEN CHL
gcp:us-central1 US US-MIDW-MISO MISO_MASON_CITY
gcp:us-east1 US US-CAR-SC SC
gcp:us-east4 US US-MIDA-PJM PJM_DC
gcp:us-east5 US US-MIDA-PJM PJM_SOUTHWEST_OH
gcp:us-south1 US US-TEX-ERCO ERCOT_NORTHCENTRAL
gcp:us-west1 US US-NW-BPAT BPA
gcp:us-west2 US
gcp:us-west3 US US-NW-PACE PACE
gcp:us-west4 US US-NW-NEVP NEVP
`)

func readClouds(text string) map[string]cloud {
	all := map[string]cloud{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		f := append(strings.Fields(line), "", "")
		all[f[0]] = cloud{f[1], f[2], f[3]}
	}
	return all
}
