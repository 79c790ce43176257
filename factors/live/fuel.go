package live

// fuel is what plants burn or turn into electricity.
type fuel string

const (
	coal       fuel = "coal"
	lignite    fuel = "lignite"
	peat       fuel = "peat"
	shale      fuel = "oil shale"
	coalGas    fuel = "coal-derived gas"
	gas        fuel = "gas"
	oil        fuel = "oil"
	biomass    fuel = "biomass"
	waste      fuel = "waste"
	nuclear    fuel = "nuclear"
	hydro      fuel = "hydro"
	wind       fuel = "wind"
	solar      fuel = "solar"
	geothermal fuel = "geothermal"
	ocean      fuel = "ocean"
	renewable  fuel = "other renewable"
	other      fuel = "other"

	// storage gives back what others have generated: it counts neither as
	// generation nor as emission, so that its losses spread over all.
	storage fuel = "storage"
)

// emission is what one kWh of a fuel emits, in g, with its 95 % interval.
type emission struct{ value, low, high float64 }

// emissions are by basis: over the life cycle in CO2e, and of combustion in
// CO2, which is 0 for biomass by convention.
//
// Life cycle: IPCC AR5 WG3 (2014), Annex III, Table A.III.2, median and
// minimum to maximum; combustion of coal and gas: the same table. But for:
//
//   - hydro: up to 152 (Raadal et al. 2011, doi:10.1016/j.rser.2011.05.001, of
//     wind and hydropower); AR5 goes to 2200 with tropical reservoirs, which
//     the grids that are computed here do not have.
//   - wind: of wind on land (11), whose interval holds that at sea (12).
//   - lignite, peat, oil shale, oil: combustion is the default emission factor
//     by energy of IPCC 2006, volume 2, Table 1.4 (101, 106, 107 and 77.4 kg/GJ;
//     bounds of the same table), over a net efficiency of 0.36 (0.30 to 0.43),
//     for oil 0.38 (0.30 to 0.44). Over the life cycle 60 g more, which is
//     what AR5 has for coal, for oil a tenth more.
//   - coal-derived gas: of furnaces, which some allot to steel and not to
//     electricity; from coke oven gas (44.4 kg/GJ) to blast furnace gas
//     (260 kg/GJ). Waste: half of it fossil (IPCC 2006: 91.7 kg/GJ of the
//     fossil part) at an efficiency of 0.25. Other renewable, other: between
//     the fuels that it may be. These are estimates.
var emissions = map[string]map[fuel]emission{
	"lifecycle": {
		coal:       {820, 740, 910},
		lignite:    {1070, 820, 1440},
		peat:       {1120, 897, 1356},
		shale:      {1130, 815, 1560},
		coalGas:    {1000, 400, 2400},
		gas:        {490, 410, 650},
		oil:        {807, 680, 1040},
		biomass:    {230, 130, 420},
		waste:      {660, 300, 1100},
		nuclear:    {12, 3.7, 110},
		hydro:      {24, 1, 152},
		wind:       {11, 7, 56},
		solar:      {48, 18, 180},
		geothermal: {38, 6, 79},
		ocean:      {17, 5.6, 28},
		renewable:  {45, 7, 420},
		other:      {700, 230, 1000},
	},
	"direct": {
		coal:       {760, 670, 870},
		lignite:    {1010, 761, 1380},
		peat:       {1060, 837, 1296},
		shale:      {1070, 755, 1500},
		coalGas:    {950, 350, 2300},
		gas:        {370, 350, 490},
		oil:        {733, 618, 946},
		biomass:    {},
		waste:      {660, 300, 1100},
		nuclear:    {},
		hydro:      {},
		wind:       {},
		solar:      {},
		geothermal: {},
		ocean:      {},
		renewable:  {},
		other:      {575, 200, 900},
	},
}
