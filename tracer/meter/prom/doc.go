// Package prom meters by the energy counters of an exporter: it reads a
// Prometheus endpoint. So a pod, which sees neither sysfs nor the driver, gets
// counters from the agent of its node.
//
//	m, err := prom.Open(ctx, prom.Config{URL: "http://" + os.Getenv("HOST_IP") + ":28282/metrics"})
//	if err != nil {
//		log.Print(err) // the run goes on with what else there is
//	}
//	ctx, run, err := tracer.Begin(ctx, tracer.Meters(m))
//
// A program that imports the package for its effect,
//
//	import _ "github.com/ecotracer/ecotracer/tracer/meter/prom"
//
// reads the endpoint that ECOTRACER_PROM_URL names, or several, with spaces
// between. Without it the package does nothing: a connection is opened only
// where one was asked for, by that variable or by [Open].
//
// # Exporters
//
//	exporter       family                                            unit  tells
//	Kepler ≥ 0.10  kepler_node_cpu_active_joules_total + …_idle_…    J     cpu0, dram0, by zone; of several sockets the sum
//	               kepler_node_cpu_joules_total, without those       J     the same, but it wraps
//	               kepler_node_gpu_watts                             W     gpu0, gpu1, ...
//	               kepler_platform_watts                             W     left out: what it covers is not known
//	Kepler < 0.10  kepler_node_package_joules_total, …_dram_…        J     cpu0, cpu1, dram0, ...: dynamic + idle
//	               kepler_node_platform_joules_total                 J     node0, where it has a sensor of the node
//	DCGM exporter  DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION              mJ    gpu0, gpu1, ..., by UUID
//	               DCGM_FI_DEV_POWER_USAGE, without that             W     the same, integrated
//	Scaphandre     scaph_socket_energy_microjoules                   µJ    cpu0, cpu1, ...; it wraps
//	               scaph_domain_energy_microjoules                   µJ    dram0, dram1, ...; core and uncore are in the socket
//	               scaph_host_energy_microjoules, …_rapl_psys_…      µJ    left out: the sum of the others, or psys
//
// Joules of containers, pods, processes and virtual machines are shares of
// these and are never read. Where each name comes from stands beside the table
// in exporters.go. Another exporter is read when [Config] Families say what its
// metrics tell.
//
// What is known of the figures is in the domains: Tool and Version name the
// exporter, Mode is kepler, dcgm, scaphandre or prometheus, and Method is
// counter. Old Kepler says when it estimates; then it is modelled. New Kepler
// does not say that it was told to make its figures up (dev.fake-cpu-meter).
// What it cannot tell from outside: whether the agent took the mirrored dies of
// one package for two, or a second register of the same zone for another.
//
// # Which node
//
// An exposition usually does not tell of which node it is, so the address must
// be that of this node's own agent: a DaemonSet with a host port (or in the
// host's network), asked at the address of the node. A Service of the agents
// would lead to any of them, and a Prometheus server to all. Where series name
// several nodes, they are refused unless [Config] Node says which is this one.
//
//	apiVersion: batch/v1
//	kind: Job
//	metadata: {name: train}
//	spec:
//	  template:
//	    spec:
//	      restartPolicy: Never
//	      containers:
//	      - name: train
//	        image: registry.example/train
//	        env:
//	        - name: HOST_IP
//	          valueFrom: {fieldRef: {fieldPath: status.hostIP}}
//	        - name: ECOTRACER_PROM_URL # Kepler, and the DCGM exporter
//	          value: http://$(HOST_IP):28282/metrics http://$(HOST_IP):9400/metrics
//
// Where the agent is behind a proxy that asks for a token, ECOTRACER_PROM_BEARER_FILE
// is /var/run/secrets/kubernetes.io/serviceaccount/token (with a role that may
// get /metrics), ECOTRACER_PROM_CA_FILE is the file of who signed its
// certificate, ECOTRACER_PROM_SERVER_NAME the name in it. ECOTRACER_PROM_BASIC_FILE,
// _CERT_FILE, _KEY_FILE and _NODE are the others. A secret that is sent over
// http can be read on the way.
//
// # GPUs
//
// An exporter tells all GPUs of the node, of which a container often has a few.
// Those that neither NVIDIA_VISIBLE_DEVICES nor CUDA_VISIBLE_DEVICES gives it
// are left out; [Config] Devices says so otherwise. The instances of a GPU that
// is split (MIG) have no counter of their own: the whole GPU is counted, once,
// and a process that is only told of its instance has none.
//
// # Time
//
// A reading is what the exporter found when it last looked: Kepler within a
// second or, if it was told so, 5 s, Scaphandre when it is asked, the DCGM
// exporter every 30 s unless it is started with -c 1000. So a run of a minute
// beside a DCGM exporter as it comes may be off by the energy of half a minute
// at its ends. A counter that did not move since the last reading is not told
// again before it has been still for longer than its exporter takes: until then
// the ledger goes on with its last power, rather than book nothing and then too
// much. After five minutes it is stuck (counter-stuck). The time of a figure is
// when it was read, or what the exposition says, if it is not older than five
// minutes.
//
// When an agent starts anew its counters begin anew: what they then show is
// taken if it can have been used since (counter-reset), else left out
// (counter-backwards). A raw register that wraps where nothing tells where
// loses, at each wrap, what was used since the last reading (counter-range-unknown).
//
// # What it costs
//
// One connection is kept; an answer may have 64 MiB, is read line by line and
// never kept, and takes no longer than Timeout. The parser is our own: the
// format is lines, we want a dozen of what may be a hundred thousand, and
// github.com/prometheus/common/expfmt (0.73) would build each of them in memory
// and bring Protocol Buffers, content negotiation and a parser of grammars, 25
// modules in all, into programs that only want to know what they use.
package prom
