/*
 * A libnvidia-ml.so.1 without a GPU. Its functions, structs and return codes
 * are those of the NVML API reference (docs.nvidia.com/deploy/nvml-api: "Device
 * Structs", "Device Queries", "Multi Instance GPU Management", "nvmlReturn_t"),
 * written from that text. What it answers is in a text file that is named by
 * the environment variable FAKE_NVML and read again whenever it was replaced,
 * so several processes see one plant and a test may change it at any time.
 *
 * A symbol is left out where NO_<symbol> is defined.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef int nvmlReturn_t;
enum {
	SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3,
	NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9,
};

typedef struct nvmlDevice_st *nvmlDevice_t;

typedef struct {
	char busIdLegacy[16];
	unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
	char busId[32];
} nvmlPciInfo_t;

typedef struct { unsigned long long total, free, used; } nvmlMemory_t;

typedef struct {
	unsigned int pid;
	unsigned long long usedGpuMemory;
	unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t; /* also nvmlProcessInfo_v2_t */

/* What _v3 filled in drivers 535.43 to 535.86. */
typedef struct {
	nvmlProcessInfo_t info;
	unsigned long long usedGpuCcProtectedMemory;
} longProcessInfo_t;

typedef struct {
	unsigned int pid;
	unsigned long long timeStamp;
	unsigned int smUtil, memUtil, encUtil, decUtil;
} nvmlProcessUtilizationSample_t;

typedef union {
	double dVal;
	int siVal;
	unsigned int uiVal;
	unsigned long ulVal;
	unsigned long long ullVal;
	signed long long sllVal;
	unsigned short usVal;
} nvmlValue_t;

typedef struct {
	unsigned int fieldId, scopeId;
	long long timestamp, latencyUsec;
	int valueType; /* nvmlValueType_t: 1 is unsigned int */
	nvmlReturn_t nvmlReturn;
	nvmlValue_t value;
} nvmlFieldValue_t;

typedef struct {
	unsigned int multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount,
		sharedEncoderCount, sharedJpegCount, sharedOfaCount,
		gpuInstanceSliceCount, computeInstanceSliceCount;
	unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;

_Static_assert(sizeof(nvmlPciInfo_t) == 68, "nvmlPciInfo_t");
_Static_assert(sizeof(nvmlProcessInfo_t) == 24, "nvmlProcessInfo_t");
_Static_assert(sizeof(longProcessInfo_t) == 32, "longProcessInfo_t");
_Static_assert(sizeof(nvmlProcessUtilizationSample_t) == 32, "nvmlProcessUtilizationSample_t");
_Static_assert(sizeof(nvmlFieldValue_t) == 40, "nvmlFieldValue_t");
_Static_assert(sizeof(nvmlDeviceAttributes_t) == 40, "nvmlDeviceAttributes_t");

enum { MAX_GPUS = 64, MAX_MIGS = 8, MAX_PROCESSES = 256, MAX_STEPS = 64, MAX_RULES = 64, TEXT = 128 };

struct process { unsigned int pid; unsigned long long memory; unsigned int sm; int instance; char kind; };
struct step { long long from; double watts; };
struct rule { char function[64]; int gpu, code; double seconds; }; /* gpu -1: of all */
struct mig { char uuid[TEXT]; unsigned int gi, ci, giSlices, ciSlices; unsigned long long memory; };
struct gpu {
	char uuid[TEXT], name[TEXT], pci[32];
	unsigned int arch;
	unsigned long long memory, used, energy; /* bytes, bytes, mJ */
	int hasEnergy, hasPower, hasInstant, hasAverage, hasModule, scopeless;
	unsigned int power, instant, average, module, limit, defaultLimit; /* mW */
	int migMode, maxMigs, migs, processes, steps; /* migMode -1: not supported */
	struct mig mig[MAX_MIGS];
	struct process process[MAX_PROCESSES];
	struct step step[MAX_STEPS];
};

static struct {
	char driver[TEXT], told[4096];
	long long clock; /* ns since 1970; 0: the true one */
	int epoch, generation, gpus, rules;
	struct gpu gpu[MAX_GPUS];
	struct rule rule[MAX_RULES];
} script;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct stat seen;
static int initialized, epoch;

/* Everything behind the first blank, without the line's end. */
static void rest(char *to, size_t room, const char *line)
{
	const char *from = strchr(line, ' ');
	snprintf(to, room, "%.*s", from ? (int)strcspn(from + 1, "\n") : 0, from ? from + 1 : "");
}

static void parse(FILE *f)
{
	char line[4200], key[64];
	struct gpu *g = NULL;
	memset(&script, 0, sizeof script);
	snprintf(script.driver, sizeof script.driver, "550.54.15");
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "%63s", key) != 1)
			continue;
		if (!strcmp(key, "driver"))
			rest(script.driver, sizeof script.driver, line);
		else if (!strcmp(key, "told"))
			rest(script.told, sizeof script.told, line);
		else if (!strcmp(key, "clock"))
			sscanf(line, "%*s %lld", &script.clock);
		else if (!strcmp(key, "epoch"))
			sscanf(line, "%*s %d", &script.epoch);
		else if (!strcmp(key, "generation"))
			sscanf(line, "%*s %d", &script.generation);
		else if ((!strcmp(key, "fail") || !strcmp(key, "hang")) && script.rules < MAX_RULES) {
			struct rule *r = &script.rule[script.rules++];
			r->gpu = g ? (int)(g - script.gpu) : -1;
			if (key[0] == 'f')
				sscanf(line, "%*s %63s %d", r->function, &r->code);
			else
				sscanf(line, "%*s %63s %lf", r->function, &r->seconds);
		} else if (!strcmp(key, "gpu") && script.gpus < MAX_GPUS) {
			g = &script.gpu[script.gpus++];
			g->migMode = -1;
		} else if (!g)
			continue;
		else if (!strcmp(key, "uuid"))
			rest(g->uuid, sizeof g->uuid, line);
		else if (!strcmp(key, "name"))
			rest(g->name, sizeof g->name, line);
		else if (!strcmp(key, "pci"))
			rest(g->pci, sizeof g->pci, line);
		else if (!strcmp(key, "arch"))
			sscanf(line, "%*s %u", &g->arch);
		else if (!strcmp(key, "memory"))
			sscanf(line, "%*s %llu %llu", &g->memory, &g->used);
		else if (!strcmp(key, "energy"))
			g->hasEnergy = sscanf(line, "%*s %llu", &g->energy) == 1;
		else if (!strcmp(key, "watts") && g->steps < MAX_STEPS) {
			struct step *s = &g->step[g->steps++];
			sscanf(line, "%*s %lld %lf", &s->from, &s->watts);
		} else if (!strcmp(key, "power"))
			g->hasPower = sscanf(line, "%*s %u", &g->power) == 1;
		else if (!strcmp(key, "instant"))
			g->hasInstant = sscanf(line, "%*s %u", &g->instant) == 1;
		else if (!strcmp(key, "average"))
			g->hasAverage = sscanf(line, "%*s %u", &g->average) == 1;
		else if (!strcmp(key, "module"))
			g->hasModule = sscanf(line, "%*s %u", &g->module) == 1;
		else if (!strcmp(key, "scopeless"))
			g->scopeless = 1;
		else if (!strcmp(key, "limit"))
			sscanf(line, "%*s %u %u", &g->limit, &g->defaultLimit);
		else if (!strcmp(key, "mig"))
			sscanf(line, "%*s %d %d", &g->migMode, &g->maxMigs);
		else if (!strcmp(key, "instance") && g->migs < MAX_MIGS) {
			struct mig *m = &g->mig[g->migs++];
			sscanf(line, "%*s %127s %u %u %u %u %llu", m->uuid, &m->gi, &m->ci, &m->giSlices, &m->ciSlices, &m->memory);
		} else if (!strcmp(key, "process") && g->processes < MAX_PROCESSES) {
			struct process *p = &g->process[g->processes++];
			p->kind = 'C';
			sscanf(line, "%*s %u %llu %u %d %c", &p->pid, &p->memory, &p->sm, &p->instance, &p->kind);
		}
	}
}

/* Reads the script if it is another one than before. */
static void refresh(void)
{
	const char *path = getenv("FAKE_NVML");
	struct stat now;
	FILE *f;
	if (!path || stat(path, &now))
		return;
	if (now.st_ino == seen.st_ino && now.st_size == seen.st_size &&
	    now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec)
		return;
	f = fopen(path, "r");
	if (!f)
		return;
	parse(f);
	fclose(f);
	seen = now;
}

/* A handle tells the GPU, the instance (1 is the first) and the generation. */
static nvmlDevice_t handleOf(int gpu, int mig)
{
	return (nvmlDevice_t)((uintptr_t)(script.generation + 1) << 20 | (uintptr_t)mig << 12 | (uintptr_t)(gpu + 1));
}

static struct gpu *find(nvmlDevice_t d, int *gpu, int *mig)
{
	uintptr_t h = (uintptr_t)d;
	*gpu = (int)(h & 0xfff) - 1;
	*mig = (int)(h >> 12 & 0xff);
	if ((int)(h >> 20) != script.generation + 1 || *gpu < 0 || *gpu >= script.gpus || *mig > script.gpu[*gpu].migs)
		return NULL;
	return &script.gpu[*gpu];
}

static long long now(void)
{
	struct timespec t;
	if (script.clock)
		return script.clock;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double joules(const struct gpu *g)
{
	double sum = 0;
	long long until = now();
	for (int i = 0; i < g->steps; i++) {
		long long to = i + 1 < g->steps && g->step[i + 1].from < until ? g->step[i + 1].from : until;
		if (to > g->step[i].from)
			sum += g->step[i].watts * (to - g->step[i].from) / 1e9;
	}
	return sum;
}

static unsigned int milliwatts(const struct gpu *g, int has, unsigned int said)
{
	double watts = 0;
	if (has)
		return said;
	for (int i = 0; i < g->steps && g->step[i].from <= now(); i++)
		watts = g->step[i].watts;
	return (unsigned int)(watts * 1000);
}

/* What the script says of a function of a GPU (* is every one); the last line counts. */
static const struct rule *ruleOf(const char *function, int gpu)
{
	for (int i = script.rules - 1; i >= 0; i--) {
		struct rule *r = &script.rule[i];
		if ((r->gpu < 0 || r->gpu == gpu) && (!strcmp(r->function, function) || !strcmp(r->function, "*")))
			return r;
	}
	return NULL;
}

/*
 * Begins a call: what the script says of the function, for this GPU or all,
 * comes before what the function would say. A function that hangs does so
 * until its time is over or the script says otherwise, without the lock.
 */
static nvmlReturn_t enter(const char *function, int gpu, int needsInit)
{
	struct timespec wait = {0, 5000000}, begun, at;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		const struct rule *r;
		pthread_mutex_lock(&mutex);
		refresh();
		r = ruleOf(function, gpu);
		if (!r)
			break;
		if (r->code)
			return r->code;
		clock_gettime(CLOCK_MONOTONIC, &at);
		if (at.tv_sec - begun.tv_sec + (at.tv_nsec - begun.tv_nsec) / 1e9 >= r->seconds)
			break;
		pthread_mutex_unlock(&mutex);
		nanosleep(&wait, NULL);
	}
	if (needsInit && (!initialized || epoch != script.epoch))
		return UNINITIALIZED;
	return SUCCESS;
}

static nvmlReturn_t leave(nvmlReturn_t r)
{
	pthread_mutex_unlock(&mutex);
	return r;
}

#define ENTER(function) do { nvmlReturn_t r = enter(function, -1, 1); if (r) return leave(r); } while (0)

/* Of a device: g, gpu and mig are set. */
#define DEVICE(function) \
	struct gpu *g; int gpu = (int)((uintptr_t)d & 0xfff) - 1, mig; \
	do { nvmlReturn_t r = enter(function, gpu, 1); if (r) return leave(r); \
		g = find(d, &gpu, &mig); if (!g) return leave(INVALID_ARGUMENT); (void)mig; } while (0)

static nvmlReturn_t text(char *to, unsigned int room, const char *from)
{
	if (room < strlen(from) + 1)
		return INSUFFICIENT_SIZE;
	strcpy(to, from);
	return SUCCESS;
}

#ifndef NO_nvmlInit_v2
nvmlReturn_t nvmlInit_v2(void)
{
	nvmlReturn_t r = enter("nvmlInit_v2", -1, 0);
	if (!r) {
		if (epoch != script.epoch)
			initialized = 0;
		epoch = script.epoch;
		initialized++;
	}
	return leave(r);
}
#endif

nvmlReturn_t nvmlShutdown(void)
{
	ENTER("nvmlShutdown");
	initialized--;
	return leave(SUCCESS);
}

const char *nvmlErrorString(nvmlReturn_t r)
{
	switch (r) {
	case SUCCESS: return "Success";
	case 9: return "Driver Not Loaded";
	case 15: return "GPU is lost";
	case 18: return "Driver/library version mismatch";
	}
	return "Unknown Error";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length)
{
	ENTER("nvmlSystemGetDriverVersion");
	return leave(text(version, length, script.driver));
}

#ifndef NO_nvmlDeviceGetCount_v2
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
	ENTER("nvmlDeviceGetCount_v2");
	*count = script.gpus;
	return leave(SUCCESS);
}
#endif

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
	nvmlReturn_t r = enter("nvmlDeviceGetHandleByIndex_v2", (int)index, 1);
	if (r)
		return leave(r);
	if (index >= (unsigned int)script.gpus)
		return leave(INVALID_ARGUMENT);
	*device = handleOf((int)index, 0);
	return leave(SUCCESS);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
	ENTER("nvmlDeviceGetHandleByUUID");
	for (int i = 0; i < script.gpus; i++) {
		if (!strcmp(script.gpu[i].uuid, uuid)) {
			const struct rule *r = ruleOf("nvmlDeviceGetHandleByUUID", i);
			*device = handleOf(i, 0);
			return leave(r ? r->code : SUCCESS);
		}
		for (int j = 0; j < script.gpu[i].migs; j++)
			if (!strcmp(script.gpu[i].mig[j].uuid, uuid)) {
				*device = handleOf(i, j + 1);
				return leave(SUCCESS);
			}
	}
	return leave(NOT_FOUND);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *uuid, unsigned int length)
{
	DEVICE("nvmlDeviceGetUUID");
	return leave(text(uuid, length, mig ? g->mig[mig - 1].uuid : g->uuid));
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *name, unsigned int length)
{
	DEVICE("nvmlDeviceGetName");
	return leave(text(name, length, g->name));
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *pci)
{
	DEVICE("nvmlDeviceGetPciInfo_v3");
	memset(pci, 0, sizeof *pci);
	snprintf(pci->busId, sizeof pci->busId, "%s", g->pci);
	return leave(SUCCESS);
}

#ifndef NO_nvmlDeviceGetArchitecture
nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t d, unsigned int *arch)
{
	DEVICE("nvmlDeviceGetArchitecture");
	*arch = g->arch;
	return leave(SUCCESS);
}
#endif

#ifndef NO_nvmlDeviceGetTotalEnergyConsumption
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *energy)
{
	DEVICE("nvmlDeviceGetTotalEnergyConsumption");
	if (!g->hasEnergy || mig)
		return leave(NOT_SUPPORTED);
	*energy = g->energy + (unsigned long long)(joules(g) * 1000);
	return leave(SUCCESS);
}
#endif

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *power)
{
	DEVICE("nvmlDeviceGetPowerUsage");
	if (mig || !g->hasPower && !g->steps)
		return leave(NOT_SUPPORTED);
	*power = milliwatts(g, g->hasPower, g->power);
	return leave(SUCCESS);
}

#ifndef NO_nvmlDeviceGetFieldValues
nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t d, int count, nvmlFieldValue_t *values)
{
	DEVICE("nvmlDeviceGetFieldValues");
	for (int i = 0; i < count; i++) {
		nvmlFieldValue_t *v = &values[i];
		int average = v->fieldId == 185, instant = v->fieldId == 186; /* NVML_FI_DEV_POWER_AVERAGE, _INSTANT */
		unsigned int scope = g->scopeless ? 0 : v->scopeId;
		v->timestamp = now() / 1000;
		v->valueType = 1;
		v->nvmlReturn = SUCCESS;
		if ((average || instant) && scope == 1 && g->hasModule)
			v->value.uiVal = g->module;
		else if (average && scope == 0 && g->hasAverage)
			v->value.uiVal = g->average;
		else if (instant && scope == 0 && g->hasInstant)
			v->value.uiVal = g->instant;
		else
			v->nvmlReturn = NOT_SUPPORTED;
	}
	return leave(SUCCESS);
}
#endif

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t d, unsigned int *limit)
{
	DEVICE("nvmlDeviceGetEnforcedPowerLimit");
	*limit = g->limit;
	return leave(g->limit ? SUCCESS : NOT_SUPPORTED);
}

nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t d, unsigned int *limit)
{
	DEVICE("nvmlDeviceGetPowerManagementDefaultLimit");
	*limit = g->defaultLimit;
	return leave(g->defaultLimit ? SUCCESS : NOT_SUPPORTED);
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *memory)
{
	DEVICE("nvmlDeviceGetMemoryInfo");
	memory->total = mig ? g->mig[mig - 1].memory << 20 : g->memory;
	memory->used = g->used;
	memory->free = memory->total - memory->used;
	return leave(SUCCESS);
}

static nvmlReturn_t processes(const char *function, nvmlDevice_t d, unsigned int *count, char *infos, size_t size, char kind)
{
	unsigned int n = 0, room;
	DEVICE(function);
	room = *count;
	for (int i = 0; i < g->processes; i++) {
		struct process *p = &g->process[i];
		if (p->kind != kind || mig && p->instance != mig)
			continue;
		if (n < room && infos) {
			nvmlProcessInfo_t info = {p->pid, p->memory, ~0u, ~0u};
			if (p->instance > 0 && p->instance <= g->migs) {
				info.gpuInstanceId = g->mig[p->instance - 1].gi;
				info.computeInstanceId = g->mig[p->instance - 1].ci;
			}
			memset(infos + n * size, 0, size);
			memcpy(infos + n * size, &info, sizeof info);
		}
		n++;
	}
	*count = n;
	if (n && n <= room && script.told[0]) {
		FILE *f = fopen(script.told, "a");
		if (f)
			fclose(f);
	}
	return leave(n > room ? INSUFFICIENT_SIZE : SUCCESS);
}

/* The struct of _v3 was longer in drivers 535.43 to 535.86. */
static size_t sizeV3(void)
{
	int major = 0, minor = 0;
	pthread_mutex_lock(&mutex);
	refresh();
	sscanf(script.driver, "%d.%d", &major, &minor);
	pthread_mutex_unlock(&mutex);
	return major == 535 && minor >= 43 && minor <= 86 ? sizeof(longProcessInfo_t) : sizeof(nvmlProcessInfo_t);
}

#define PROCESSES(symbol, size, kind) \
	nvmlReturn_t symbol(nvmlDevice_t d, unsigned int *count, void *infos) \
	{ return processes(#symbol, d, count, infos, size, kind); }

#ifndef NO_nvmlDeviceGetComputeRunningProcesses_v3
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, sizeV3(), 'C')
#endif
#ifndef NO_nvmlDeviceGetGraphicsRunningProcesses_v3
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, sizeV3(), 'G')
#endif
#ifndef NO_nvmlDeviceGetComputeRunningProcesses_v2
PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, sizeof(nvmlProcessInfo_t), 'C')
#endif
#ifndef NO_nvmlDeviceGetGraphicsRunningProcesses_v2
PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, sizeof(nvmlProcessInfo_t), 'G')
#endif
#ifndef NO_nvmlDeviceGetMPSComputeRunningProcesses_v3
PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, sizeV3(), 'M')
#endif

#ifndef NO_nvmlDeviceGetProcessUtilization
nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t d, nvmlProcessUtilizationSample_t *samples,
	unsigned int *count, unsigned long long lastSeen)
{
	unsigned int n = 0, room;
	unsigned long long at;
	DEVICE("nvmlDeviceGetProcessUtilization");
	if (g->migMode > 0)
		return leave(NOT_SUPPORTED);
	at = now() / 1000;
	room = samples ? *count : 0;
	for (int i = 0; i < g->processes; i++) {
		struct process *p = &g->process[i];
		if (!p->sm || at <= lastSeen)
			continue;
		if (n < room)
			samples[n] = (nvmlProcessUtilizationSample_t){p->pid, at, p->sm, 0, 0, 0};
		n++;
	}
	*count = n;
	return leave(!n ? NOT_FOUND : n > room ? INSUFFICIENT_SIZE : SUCCESS);
}
#endif

#ifndef NO_nvmlDeviceGetMigMode
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned int *current, unsigned int *pending)
{
	DEVICE("nvmlDeviceGetMigMode");
	if (g->migMode < 0)
		return leave(NOT_SUPPORTED);
	*current = *pending = (unsigned int)g->migMode;
	return leave(SUCCESS);
}
#endif

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned int *count)
{
	DEVICE("nvmlDeviceGetMaxMigDeviceCount");
	*count = (unsigned int)g->maxMigs;
	return leave(SUCCESS);
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned int index, nvmlDevice_t *migDevice)
{
	DEVICE("nvmlDeviceGetMigDeviceHandleByIndex");
	if (index >= (unsigned int)g->migs)
		return leave(NOT_FOUND);
	*migDevice = handleOf(gpu, (int)index + 1);
	return leave(SUCCESS);
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t d, nvmlDevice_t *device)
{
	DEVICE("nvmlDeviceGetDeviceHandleFromMigDeviceHandle");
	*device = handleOf(gpu, 0);
	return leave(SUCCESS);
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t d, unsigned int *id)
{
	DEVICE("nvmlDeviceGetGpuInstanceId");
	if (!mig)
		return leave(INVALID_ARGUMENT);
	*id = g->mig[mig - 1].gi;
	return leave(SUCCESS);
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t d, unsigned int *id)
{
	DEVICE("nvmlDeviceGetComputeInstanceId");
	if (!mig)
		return leave(INVALID_ARGUMENT);
	*id = g->mig[mig - 1].ci;
	return leave(SUCCESS);
}

#ifndef NO_nvmlDeviceGetAttributes_v2
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t d, nvmlDeviceAttributes_t *a)
{
	DEVICE("nvmlDeviceGetAttributes_v2");
	if (!mig)
		return leave(NOT_SUPPORTED);
	memset(a, 0, sizeof *a);
	a->gpuInstanceSliceCount = g->mig[mig - 1].giSlices;
	a->computeInstanceSliceCount = g->mig[mig - 1].ciSlices;
	a->memorySizeMB = g->mig[mig - 1].memory;
	return leave(SUCCESS);
}
#endif
