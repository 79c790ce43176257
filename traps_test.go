package ecotracer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var runTraps = flag.Bool("run-traps", false, "TestTraps also runs the tests that it names, and tells which pass")

// trap is a mistake that others made in measuring, booking or telling energy,
// with the tests that keep us from it: a folder, a space, and the names of its
// tests.
type trap struct {
	what   string
	guards []string
}

// traps are numbered from 1 on. A test that guards one says so, by the words
// "trap N" in its name, a subtest's name or its comment.
var traps = []trap{
	// Counters.
	{"range of a counter that cannot be read taken for 0: negative energy", []string{"tracer/meter TestCounter", "tracer/meter/powercap TestZonesWithoutARange", "tracer/meter/prom TestKeplerWithoutTheUnwrappedJoulesIsReadByItsRegister"}},
	{"a wrap mended by 2^32 or 2^64 instead of the zone's range", []string{"tracer/meter TestCounter", "tracer/meter/powercap TestEveryJouleOfEveryZoneIsToldThroughWraps", "tracer/meter/nvml TestReloadOfTheDriverIsAReset", "tracer/meter/prom TestKepler TestAgentThatStartsAnew"}},
	{"the energy of the step that wraps dropped", []string{"tracer/meter TestCounter", "tracer/meter/powercap TestEveryJouleOfEveryZoneIsToldThroughWraps", "tracer/meter/prom TestEnergyOfARunIsThatOfThePlant"}},
	{"one wrap assumed where there may have been several", []string{"tracer/meter TestCounter TestCounterThroughSuspend", "tracer/meter/powercap TestTrap4_SeveralWrapsInAGapAreFlagged", "tracer/meter/perf TestTrap4_NoWrapIsLostHoweverSeldomItIsRead", "tracer/meter/hwmon TestWrapsThatTheDriverMissedAreAGap"}},
	{"the range of another zone applied", []string{"tracer/meter TestCounter", "tracer/meter/powercap TestEveryJouleOfEveryZoneIsToldThroughWraps"}},
	{"a failed reading or a missing counter told as 0", []string{"tracer/meter TestCounter", "tracer/meter/powercap TestFaults TestRootOnlyCountersAreListedWithWhatWouldMend", "tracer/meter/hwmon TestFaults", "tracer/meter/battery TestPower", "tracer/meter/redfish TestFailuresAreFlaggedAndLoseNothing", "tracer/meter/prom TestWhatIsWrongWithAnEndpointIsSaid"}},
	{"no difference taken for a wrap", []string{"tracer/meter TestCounter TestCounterThroughSuspend"}},
	{"mirrored dies added up", []string{"tracer/meter/powercap TestPlan TestTrap8_MirroredDiesAreCountedOnce TestTrap8_DiesThatDoNotCountAreNoMirrors", "tracer/meter/perf TestPlan", "tracer/meter/detect TestFuse"}},
	{"psys taken for a CPU, or added to the packages", []string{"tracer/meter/powercap TestPlan TestTrap9_PsysIsTheNodeAndTellsItsOwnJoules", "tracer/meter/perf TestPlan", "tracer/meter/detect TestFuse TestNodeThatIsMeteredKeepsItsPartsApart"}},
	{"the zone of a die not understood", []string{"tracer/meter/internal/rapl TestParse", "tracer/meter/powercap TestPlan", "tracer/meter/perf TestPlan", "tracer/meter/prom TestZonesOfDies"}},
	{"memory of several sockets merged by its name, or a package counted in its place", []string{"tracer/meter/powercap TestPlan", "tracer/meter/perf TestPlan", "tracer/meter/detect TestFuse", "tracer/meter/prom TestScaphandre", "lifecycle/dataset TestSeveralHostsAddUp"}},
	{"memory subtracted from its package", []string{"tracer/meter/powercap TestPlan", "tracer/meter/perf TestPlan", "tracer/meter/detect TestFuse"}},
	{"the number of a zone taken for that of its package", []string{"tracer/meter/powercap TestPlan", "tracer/meter/perf TestPlan", "tracer/meter/prom TestZonesOfDies"}},
	{"domains that overlap added up where nothing better is found", []string{"tracer/meter/powercap TestPlan", "tracer/meter/perf TestPlan", "tracer/meter/hwmon TestPlan", "tracer/meter/detect TestFuse", "tracer/meter/redfish TestEveryMakeOfControllerIsUnderstood", "tracer/meter/prom TestRunInAPod"}},
	{"one bad zone discards the others, or what they told", []string{"tracer/meter/powercap TestPlan TestFaults", "tracer/meter/perf TestPlan TestOneEventThatCannotBeOpened", "tracer/meter/hwmon TestPlan TestFaults", "tracer/meter/detect TestFuse", "tracer/meter/prom TestOneFamilyThatIsGoneTakesNoOtherWithIt"}},
	{"numbers read by their first digit", []string{"tracer/meter/internal/rapl TestParse", "tracer/meter/powercap TestPlan", "tracer/meter/hwmon TestPlan", "tracer/meter/nvml TestEachOfManyGPUsIsToldByItself", "tracer/meter/prom TestMoreThanTenGPUs"}},
	{"descriptors lost, or opened for each reading", []string{"tracer/meter/powercap TestFilesAreOpenedOnceAndClosed", "tracer/meter/perf TestReadAllocatesNothing", "tracer/meter/detect TestDetectionStartsNothingAndLeavesNothingOpen", "tracer/meter/redfish TestOneConnectionDoesForAll", "tracer/meter/prom TestOneConnectionIsKept"}},
	{"pollers left behind", []string{"tracer TestNoGoroutineOutlivesItsRun", "tracer/meter/detect TestDetectionStartsNothingAndLeavesNothingOpen", "tracer/meter/perf TestReadAllocatesNothing"}},

	// GPUs.
	{"devices made one, by a mean or by the first times their number", []string{"tracer/meter/nvml TestEachOfManyGPUsIsToldByItself", "tracer/meter/prom TestDCGM"}},
	{"a GPU without a counter told to use nothing", []string{"tracer/meter/nvml TestPowerIsWhatTheDriverSaysItIs TestCounterThatStandsAtZeroGivesWayToPower", "tracer/meter/detect TestTrap20GPUsThatNoMeterCountsAreMissing", "tracer/meter/prom TestOldKepler TestGPUWithoutCounterIsReadByItsPower"}},
	{"the mean power of a second taken for that of an instant", []string{"tracer/meter TestIntegrateTakesMeanPowerForThePastItIsOf", "tracer/meter/nvml TestPowerIsWhatTheDriverSaysItIs TestMeanPowerIsOfTheSecondBefore", "tracer/meter/hwmon TestMeanPowerIsTakenForThePastItIsOf TestMeanPowerIsToldAsSuch", "tracer/meter/redfish TestAMeanIsTakenForTheTimeThatItIsOf"}},
	{"the counter of a module taken for its GPU's, or a die that tells 0 for a GPU", []string{"tracer/meter/nvml TestModuleOfGraceHopperIsNotTakenForItsGPU TestModuleWithoutPowerOfItsGPUIsNotCounted", "tracer/meter/hwmon TestPlan TestPlanOfHosts", "tracer/meter/detect TestFuse"}},
	{"an energy counter of a GPU believed whatever it says", []string{"tracer/meter/hwmon TestPlan TestFaults TestCounterThatNoLongerMovesIsFlagged", "tracer/meter/nvml TestCounterThatTellsMoreThanItsGPUCanDrawIsNotBelieved TestCounterThatStandsAtZeroGivesWayToPower"}},
	{"GPUs counted that the process does not see or use", []string{"tracer/meter/nvml TestVisibleDevicesAreReadAsCUDADoes TestGPUsThatAreHiddenAreNotCounted", "tracer TestOnlyWhatTheProcessUsedOfADeviceIsItsOwn", "tracer/meter/detect TestFuse", "tracer/meter/prom TestGPUsOfOthersAreLeftOut"}},
	{"totals from a GPU's counter and shares from its power, which do not add up", []string{"tracer/meter/nvml TestSharesOfAllProcessesAddUpToTheGPU", "tracer/meter/prom TestDCGM"}},

	// Arithmetic and units.
	{"a sample of milliseconds extrapolated", []string{"tracer TestSpansBetweenTwoReadingsShareWhatWasMeasured TestARunOfTenMillisecondsHasTheirJoules"}},
	{"the last sample taken for the mean", []string{"tracer/meter TestIntegrateIsExactForPowerThatChangesEvenly"}},
	{"a counter made power and integrated again", []string{"tracer/meter TestCounterRecoversEveryMicrojoule", "tracer/meter/hwmon TestPowerIsIntegratedAndEnergyIsNot", "tracer/meter/redfish TestAnEnergyCounterGoesBeforePower", "tracer/meter/prom TestDCGM"}},
	{"kW for W, g for kg, a power under the name of an energy", []string{"lifecycle TestTheNameOfANumberHasItsUnit TestAssessComesToWhatIsWorkedOutByHand", "tracer/meter/redfish TestACounterOfKWhTellsJoules", "tracer/meter/prom TestFamiliesOfTheUser"}},
	{"PUE on some figures only, in the base of WUE, or of two values", []string{"lifecycle TestPUEIsTakenOnce TestAssessComesToWhatIsWorkedOutByHand", "factors TestEveryDeviceClassHasProductionEndOfLifeLifetimeAndUtilisation", "tracer TestWhatLeavesTheSiteHasTheGridOfTheWorld"}},
	{"a constant of W/GB for memory, added as if it were known", []string{"tracer/meter/model TestOnlyWhatNobodyCountsIsModelled", "tracer/meter/internal/profile TestErrorIsThatOfHalfLoad"}},
	{"defaults of the documentation that are not those of the code", []string{"tracer TestDocumentedDefaultsAreTheDefaults", "factors TestVersionNamesTheseFigures", "cmd/ecotracer TestHelpKnowsEveryCommandAndFlag"}},
	{"intervals of quotients and negative numbers reversed", []string{"lifecycle TestTheBoundsOfADivisorChangePlaces TestAssessRefusesWhatItCannotUse TestTheComparisonTurnedRoundIsTheOpposite", "internal/lognormal TestBoundsAgreeWithAMonteCarlo", "factors TestCheckNamesEachFault"}},
	{"production of one unit for that of many", []string{"lifecycle TestEachUnitOfADeviceHasItsProduction", "factors TestSharesOfABoardAddUpToIt", "tracer TestTheDevicesOfARecordComeToTheMachine TestAVirtualMachineAnswersForItsPartOfTheMachineBelow TestACounterOfBothProcessorsIsOfTwo"}},
	{"the unit of a factor left to memory, factors of different things mixed", []string{"lifecycle TestEachImpactOfADeviceIsInItsUnit TestAFactorsUnitAndKindFitEachOther TestAssessRefusesWhatItCannotUse", "factors TestCheckNamesEachFault TestOtherImpactsOfADeviceAreLookedUpByUnit", "internal/inventory TestADeviceHasEveryImpactThatIsKnown"}},
	{"end of life in some figures of production and not in others", []string{"factors TestEndOfLifeIsInNoFigureOfProduction TestEveryDeviceClassHasProductionEndOfLifeLifetimeAndUtilisation TestEveryProductionHasAnEndOfLifeALifetimeAndAUtilisation", "lifecycle TestImpactsThatAreNotSourcedForEveryPartAreNotSummed"}},
	{"marginal and average intensity in one field", []string{"lifecycle TestMarginalGramsAreApart", "factors TestCheckNamesEachFault", "factors/live TestWattTimeRefusesWhatItDoesNotTell TestACarbonAwareServerMeansWhatItsOperatorSays", "lifecycle/schedule TestWhatCannotBeDoneIsSaid", "tracer TestMarginalGramsAreBesideTheAverageOnes"}},

	// Attribution.
	{"the energy of the node told by each of its ranks", []string{"tracer TestNProcessesNeverReportNMachines", "lifecycle/dataset TestRanksOfOneHostAreOneHost TestAHostThatOneRankAnswersForCountsOnce TestRanksThatTakeTheHostForTheirsAloneCountItOnce TestRandomJobsAddUp", "cmd/ecotracer TestEightRanksOfOneHostAddUp TestMergeMakesOneRecordOfAFolderOfShards", "tracer/meter/prom TestSeveralNodesAreRefused"}},
	{"parts that are more than their total, or not all of it", []string{"tracer TestRandomProgramsAreBookedAsTheReferenceBooksThem TestTrap39NodeAndPartsInTheRecordAreTheNode", "tracer/meter/detect TestTrap39PartsAndRestAreTheNode TestTrap39RandomPlants", "lifecycle/dataset TestBookingMoreThanThereIsIsClampedAndFlagged TestRandomJobsAddUp"}},
	{"death by parts that exceed their total", []string{"tracer/meter/detect TestTrap40PartsThatExceedTheNodeKeepTheirEnergy", "lifecycle/dataset TestBookingMoreThanThereIsIsClampedAndFlagged TestGPUsBelongToTheRanksThatUseThem", "tracer TestScopeDividesTheHostBetweenTheRunAndTheRest"}},
	{"a parent's total under the name of a child's own", []string{"lifecycle TestATotalIsNotTakenForTheSpansOwn", "lifecycle/dataset TestAMergedRecordKeepsWhatIsASpansOwnApartFromItsTotal"}},
	{"idle energy absorbed by someone, or gone", []string{"tracer TestScopeDividesTheHostBetweenTheRunAndTheRest TestIdleEnergyGoesByWallShareWhateverTheCPUTime", "lifecycle/dataset TestRanksOfOneHostAreOneHost", "tracer/meter/prom TestKepler"}},
	{"the energy between tasks lost", []string{"tracer TestTimeWithoutASpanIsTheRunsAndUnattributed TestRandomProgramsAreBookedAsTheReferenceBooksThem"}},
	{"the machine's energy under the name of a function's", []string{"tracer TestScopeDividesTheHostBetweenTheRunAndTheRest"}},

	// Process, safety, record.
	{"a tracker that ends the host program", []string{". TestNoPackageEndsTheProgram", "tracer TestWhatTheHostGivesMayPanic"}},
	{"a tracker that outlives a program that crashed", []string{". TestTracerReachesNothingHeavy TestNoPackageRunsWhatItIsGiven", "tracer TestAProgramThatIsKilledAtAnyMomentLeavesItsLastCheckpoint TestARunThatBeginsClosesThoseThatWereKilled"}},
	{"a stop that may not be called twice", []string{"tracer TestARunEndsOnceWhoeverCalls TestOnlyTheFirstEndOfASpanCounts"}},
	{"files of a job array overwritten, or left half written", []string{"tracer TestTheProcessesOfAJobArrayShareAFolder TestAProgramThatIsKilledAtAnyMomentLeavesItsLastCheckpoint TestAFullDiskKeepsTheLastCheckpoint", "cmd/ecotracer TestMergeWritesAFileAndNeverOverAShard"}},
	{"an answer from the network evaluated", []string{". TestNoPackageRunsWhatItIsGiven", "tracer/meter/prom TestWhatIsWrongWithAnEndpointIsSaid", "factors/live TestAServerThatAnswersNonsenseIsToldByItsAddress"}},
	{"a country taken silently", []string{"factors TestAnUnknownPlaceIsTheWorldWithItsWholeRange", "factors/live TestAPlaceIsBroughtToAZone", "internal/inventory TestAPlaceThatIsUnknownIsMissingAndWarnedOf", "tracer TestEachVariable"}},
	{"local times without a zone, and durations of the wall clock", []string{"tracer TestTimesAreInUTC TestAClockThatJumpsIsFlagged", "lifecycle TestDecodeTakesTimesInUTCOnly", "factors/live TestWhatIsWrongWithAFileIsToldByItsLine", "cmd/ecotracer TestATimeThatTheClocksSkipOrRepeatIsRefused"}},
	{"grids of time that are off by one", []string{"lifecycle TestHourlyValuesAreAveragedOverLongerSteps", "internal/timeline TestBetweenTwoInstantsPowerIsConstant", "factors/live TestLinesAreEvenAndCoverWhatIsAsked TestLocalDaysOf23And25Hours", "lifecycle/schedule TestNoWindowIsBetterThanTheBest", "tracer TestFinerValuesThanTheProfileAreAveraged"}},
	{"a neighbour's figure copied to what was not measured", []string{"tracer TestSpansBetweenTwoReadingsShareWhatWasMeasured TestAMeterThatNeverTellsIsMissing TestWhatAMeterDidNotTellAtTheEndIsExtrapolated TestHoursThatAreNotKnownYetHaveTheLastValueAndARange"}},
	{"a fallback that the record does not tell", []string{"tracer TestARecordTellsThatAModelStoodIn", "tracer/meter/detect TestOneSocketThatCannotBeReadIsModelled", "tracer/meter/model TestEveryDomainSaysThatItIsModelled", "tracer/meter/prom TestOldKeplerSaysWhereItHasItsFiguresFrom", "factors/live TestWhereNoSourceAnswersTheDataSetDoes", "internal/inventory TestWhatThePlaceIsNotKnownForIsToldAndAWiderOneStandsForIt", "tracer TestAFallBackThatHasOnlyTheDataSetIsToldOf"}},
	{"a claimed deviation that its own figures do not show", []string{"lifecycle TestTotalsAgreeWithAMonteCarlo TestEveryDerivedNumberIsRedone", "internal/lognormal TestBoundsAgreeWithAMonteCarlo"}},
	{"tests on layouts that do not exist, or that nothing can fail", []string{"tracer/meter/powercap TestPlan", "tracer/meter/hwmon TestPlan", "tracer/tracertest TestHostListsItsZonesAsTheKernelDoes TestMeterSuiteCatchesPlantedMistakes"}},
	{"polling a thousand times a second", []string{"tracer TestEachVariable"}},

	// Formats.
	{"a unit that slipped, of which no schema takes notice: 31.22 t for 0.4 kWh", []string{"lifecycle TestEachSingleMistakeIsFoundWhereItIs", "lifecycle/export TestImpossibleEntriesAreRefusedByName TestAnIntensityThatNoGridHasIsTold"}},
	{"the score of a unit of work worked out by hand, and a thousandth of what it is", []string{"lifecycle TestTheExamplesOfSCIForAI"}},
	{"a decimal that lost a zero: 0.042 for 0.0042 kWh", []string{"lifecycle/export TestSPDXTellsEnergyByDecimals"}},
	{"an exponent where a reader looks for digits: 2.4e-05 read as 2.4", []string{"lifecycle/export TestHuggingfaceHubReadsTheEmissionsAsTheyAre"}},
	{"a line without its empty columns read as if it had them", []string{"lifecycle/export TestAShortLineIsRepairedOrSkippedAndToldNeverShifted"}},
	{"a PUE inside the energy, and not told", []string{"lifecycle/export TestEveryColumnSetOfCodeCarbonIsRead TestReportsAreInTheUnitsOfBoAmps"}},
	{"a schema trusted that takes energy below 0, any stage and any date", []string{"lifecycle/export TestWhatCannotBeIsRefusedByItsPlace"}},
	{"figures of single precision, and null for a list", []string{"lifecycle/export TestABOMTellsExactDecimals TestAnIndependentReaderGetsTheFigures"}},
	{"exponents, fractions of a second and zones where a format has none", []string{"lifecycle/export TestAnSPDXDocumentIsAsTheOfficialSchemaWants TestSPDXTellsEnergyByDecimals"}},
	{"billions of parameters taken for their count", []string{"lifecycle/export TestReportsAreInTheUnitsOfBoAmps TestTheOfficialSamplesAreRead"}},
	{"the memory of one module taken for that of all", []string{"lifecycle/export TestReportsAreInTheUnitsOfBoAmps TestEveryColumnSetOfCodeCarbonIsRead"}},
	{"the end of a run taken for its begin", []string{"lifecycle/export TestReportsAreInTheUnitsOfBoAmps TestEveryColumnSetOfCodeCarbonIsRead"}},
	{"the joules of a host told as a part's", []string{"lifecycle/export TestAHostsJoulesAreNotAComponents"}},
	{"three decimals of a kWh: small runs used 0.000", []string{"internal/inwords TestAmountsAreInTheUnitThatSuitsThem", "lifecycle/export TestSPDXTellsEnergyByDecimals"}},
	{"a list of which the first alone is kept", []string{"lifecycle/export TestARecordInAReportComesBackByteForByte"}},
}

// mention is how a test says which traps it guards: "trap 4", "Trap4_",
// "traps 17 and 18".
var (
	mention = regexp.MustCompile(`(?i)trap(?:s|_)? ?([0-9]+(?:(?:, | and )[0-9]+)*)`)
	digits  = regexp.MustCompile(`[0-9]+`)
)

func mentioned(text string) (numbers []int) {
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		for _, d := range digits.FindAllString(m[1], -1) {
			n, _ := strconv.Atoi(d)
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// testsOf are the tests of a folder, each with its text and its comment.
func testsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	require.NoError(t, err)
	tests := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			from := f.Pos()
			if f.Doc != nil {
				from = f.Doc.Pos()
			}
			tests[f.Name.Name] = string(text[set.Position(from).Offset:set.Position(f.End()).Offset])
		}
	}
	return tests
}

// TestTraps prints the traps with the tests that guard them, and holds the list
// to those tests. With -run-traps it runs them:
//
//	go test -run TestTraps -v . -run-traps
func TestTraps(t *testing.T) {
	workFile(t) // only a clone has all modules
	require.Len(t, traps, 72, "as many as there are")
	byFolder := map[string]map[string]string{}
	wanted := map[string][]string{} // by folder
	for i, trap := range traps {
		require.NotEmpty(t, trap.guards, "trap %d: no test guards it", i+1)
		for _, guard := range trap.guards {
			names := strings.Fields(guard)
			folder := names[0]
			if byFolder[folder] == nil {
				byFolder[folder] = testsOf(t, folder)
			}
			for _, name := range names[1:] {
				text, ok := byFolder[folder][name]
				if assert.True(t, ok, "trap %d: there is no test %s in %s", i+1, name, folder) {
					assert.Contains(t, mentioned(text), i+1, "trap %d: %s in %s does not say that it guards it", i+1, name, folder)
					wanted[folder] = append(wanted[folder], name)
				}
			}
		}
	}
	if t.Failed() {
		return
	}
	results := map[string]string{}
	if *runTraps {
		for _, folder := range slices.Sorted(maps.Keys(wanted)) {
			slices.Sort(wanted[folder])
			for name, result := range runTests(t, folder, slices.Compact(wanted[folder])) {
				results[folder+" "+name] = result
			}
		}
	}
	if !testing.Verbose() && !*runTraps {
		return
	}
	for i, trap := range traps {
		fmt.Printf("%2d  %s\n", i+1, trap.what)
		for _, guard := range trap.guards {
			names := strings.Fields(guard)
			for _, name := range names[1:] {
				fmt.Printf("    %-4s  %s %s\n", results[names[0]+" "+name], names[0], name)
				if *runTraps {
					assert.Equal(t, "pass", results[names[0]+" "+name], "trap %d: %s in %s", i+1, name, names[0])
				}
			}
		}
	}
}

// runTests runs tests of a folder, and returns pass, fail or skip by name.
func runTests(t *testing.T, folder string, names []string) map[string]string {
	t.Helper()
	results := map[string]string{}
	cmd := exec.Command("go", "test", "-json", "-run", "^("+strings.Join(names, "|")+")$", "./"+folder)
	out, err := cmd.Output()
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &event) == nil && slices.Contains([]string{"pass", "fail", "skip"}, event.Action) {
			results[event.Test] = event.Action
		}
	}
	assert.NoError(t, err, "%s", folder)
	return results
}

// Text and list cannot drift: who names a trap names one that there is.
func TestTrapsThatAreNamedAreOnTheList(t *testing.T) {
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || path == "traps_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, n := range mentioned(string(text)) {
			assert.True(t, n >= 1 && n <= len(traps), "%s names trap %d, which there is not", path, n)
		}
		return err
	}))
}
