// The shim between Bochs and the PMU model: budgets, the interrupt, the debug-exit port.
//
// Nothing here knows what a counter is. The model (lib/pmu-model/ffi) is told what retired and
// answers how much more may retire; this file counts that down and delivers the interrupt through
// the local APIC. One thread runs all CPUs, so nothing is locked.
#define NEED_CPU_REG_SHORTCUTS 0
#include "bochs.h"
#include "cpu/cpu.h"
#include "cpu/apic.h"
#include <dlfcn.h>

// The model's interface: lib/pmu-model/ffi says what each function does. Index 0 of every pair
// is ring 0, index 1 is rings 1 to 3.
struct pmu_counts {
  Bit64u instructions[2], branches[2], branch_misses[2], llc_references[2], llc_misses[2];
};
struct pmu_limits {
  Bit64s instructions[2], branches[2], branch_misses[2], llc_references[2], llc_misses[2];
  Bit32u wanted;
};
enum { WANTS_BRANCHES = 1, WANTS_BRANCH_MISSES = 2, WANTS_LLC_REFERENCES = 4, WANTS_LLC_MISSES = 8 };

#define MODEL_FUNCTIONS(F)                                                     \
  F(bool, is_present, (void))                                                  \
  F(bool, has_save_on_exit, (void))                                            \
  F(void, reset, (unsigned cpu))                                               \
  F(bool, advance, (unsigned cpu, const pmu_counts *counts, bool is_asleep))   \
  F(void, limits, (unsigned cpu, pmu_limits *limits))                          \
  F(int, rdmsr, (unsigned cpu, Bit32u index, Bit64u *value))                   \
  F(int, wrmsr, (unsigned cpu, Bit32u index, Bit64u value))                    \
  F(bool, rdpmc, (unsigned cpu, Bit32u ecx, Bit64u *value))                    \
  F(bool, global_ctrl_is_valid, (unsigned cpu, Bit64u value))                  \
  F(bool, debugctl_is_valid, (unsigned cpu, Bit64u value))                     \
  F(void, load_global_ctrl, (unsigned cpu, Bit64u value))                      \
  F(void, load_debugctl, (unsigned cpu, Bit64u value))                         \
  F(Bit64u, global_ctrl, (unsigned cpu))                                       \
  F(Bit64u, debugctl, (unsigned cpu))                                          \
  F(bool, branch_is_missed, (unsigned cpu, Bit64u address, bool is_taken))     \
  F(int, access, (unsigned cpu, Bit64u physical))                              \
  F(void, cpuid, (unsigned cpu, Bit32u leaf, Bit32u subleaf, Bit32u registers[4]))

#define POINTER(result, name, arguments) result (*name) arguments;
struct model_t { MODEL_FUNCTIONS(POINTER) };
#undef POINTER

namespace {

model_t model;

// Binds the model, a library named by BATON_MODEL; without that variable there is no PMU.
bool bind_model()
{
  const char *path = getenv("BATON_MODEL");
  if (path == NULL) return false;
  void *library = dlopen(path, RTLD_NOW);
  if (library != NULL) {
    bool is_whole = true;
#define BIND(result, name, arguments)                                          \
    model.name = (result (*) arguments) dlsym(library, "baton_pmu_" #name);    \
    is_whole = is_whole && model.name != NULL;
    MODEL_FUNCTIONS(BIND)
#undef BIND
    // It complains itself when what BATON_PMU says makes no sense.
    if (is_whole && model.is_present()) return true;
  }
  const char *error = dlerror();
  fprintf(stderr, "BATON_MODEL: %s\n", error != NULL ? error : "BATON_PMU is not set");
  exit(2);
}

const Bit64s UNLIMITED = BX_CONST64(1) << 62;
// The cold half of a CPU's bookkeeping.
struct cold_t {
  Bit64s granted_instructions[2];        // what the hot counters of each ring were set to
  Bit64s granted_branches[2];
  pmu_counts seen;                       // misses so far; the rest is in the hot counters
  pmu_limits limits;
  Bit64u retired;                        // instructions up to the last report
  Bit64u accessing;                      // the instruction that accessed memory last
  int reach;                             // and how far it reached, as baton_pmu_access says
};

cold_t cold[BX_MAX_SMP_THREADS_SUPPORTED];

bx_pmu_hot_t &hot_of(unsigned cpu) { return BX_CPU(cpu)->pmu; }

// Index 1 is rings 1 to 3.
unsigned ring_of(unsigned cpu) { return hot_of(cpu).is_user; }

Bit64s &instructions_of(unsigned cpu, unsigned ring)
{
  bx_pmu_hot_t &hot = hot_of(cpu);
  return ring == ring_of(cpu) ? hot.instructions : hot.waiting_instructions;
}

Bit64s &branches_of(unsigned cpu, unsigned ring)
{
  bx_pmu_hot_t &hot = hot_of(cpu);
  return ring == ring_of(cpu) ? hot.branches : hot.waiting_branches;
}

// Sets the hot counters.
void grant(unsigned cpu)
{
  cold_t &c = cold[cpu];
  model.limits(cpu, &c.limits);
  bool wants_misses = c.limits.wanted & WANTS_BRANCH_MISSES;
  for (unsigned ring = 0; ring < 2; ring++) {
    c.granted_instructions[ring] = instructions_of(cpu, ring) = c.limits.instructions[ring] - 1;
    // The predictor must see each branch; otherwise nobody looks until the budget is used up.
    c.granted_branches[ring] = branches_of(cpu, ring) =
      wants_misses ? 0 : c.limits.branches[ring] - 1;
  }
  hot_of(cpu).wants_memory = c.limits.wanted & (WANTS_LLC_REFERENCES | WANTS_LLC_MISSES);
}

// Makes the instruction that is being executed the last one of the budget.
void end_budget(unsigned cpu)
{
  for (unsigned ring = 0; ring < 2; ring++) {
    Bit64s &left = instructions_of(cpu, ring);
    cold[cpu].granted_instructions[ring] -= left;
    left = 0;
  }
}

void deliver(unsigned cpu)
{
  bx_local_apic_c *lapic = BX_CPU(cpu)->lapic;
  Bit32u entry = lapic->read_aligned(BX_LAPIC_LVT_PERFMON);
  if (entry & 0x10000) return;
  // Intel masks the entry when it delivers; software must unmask it.
  lapic->set_lvt_entry(BX_LAPIC_LVT_PERFMON, entry | 0x10000);
  lapic->deliver(entry & 0xff, (entry >> 8) & 7, 0);
}

// Tells the model what has retired, without asking for a new budget.
void report(unsigned cpu)
{
  cold_t &c = cold[cpu];
  pmu_counts counts = c.seen;
  memset(&c.seen, 0, sizeof c.seen);
  for (unsigned ring = 0; ring < 2; ring++) {
    Bit64s instructions = c.granted_instructions[ring] - instructions_of(cpu, ring);
    counts.instructions[ring] += instructions;
    counts.branches[ring] += c.granted_branches[ring] - branches_of(cpu, ring);
    c.granted_instructions[ring] = instructions_of(cpu, ring);
    c.granted_branches[ring] = branches_of(cpu, ring);
    c.retired += instructions;
  }
  bool is_asleep = BX_CPU(cpu)->activity_state != BX_CPU_C::BX_ACTIVITY_STATE_ACTIVE;
  if (model.advance(cpu, &counts, is_asleep)) deliver(cpu);
}

} // namespace

bool bx_pmu_is_present()
{
  static const bool present = bind_model();
  return present;
}

bool bx_pmu_has_save_on_exit() { return model.has_save_on_exit(); }

void bx_pmu_power_on(unsigned cpu)
{
  memset(&hot_of(cpu), 0, sizeof(bx_pmu_hot_t));
  bx_pmu_reset(cpu, BX_RESET_HARDWARE);
}

// INIT (a software reset) leaves the performance counters as they are.
void bx_pmu_reset(unsigned cpu, unsigned type)
{
  if (! bx_pmu_is_present()) {
    for (unsigned ring = 0; ring < 2; ring++)
      instructions_of(cpu, ring) = branches_of(cpu, ring) = UNLIMITED;
    return;
  }
  if (type != BX_RESET_HARDWARE) return;
  memset(&cold[cpu], 0, sizeof cold[cpu]);
  model.reset(cpu);
  grant(cpu);
}

void bx_pmu_sync(unsigned cpu)
{
  if (! bx_pmu_is_present()) return;
  report(cpu);
  grant(cpu);
}

// The branch budget of this ring has run out, or the predictor wants to see every branch.
void bx_pmu_branch(unsigned cpu, Bit64u address, bx_pmu_way_t way)
{
  cold_t &c = cold[cpu];
  if (! (c.limits.wanted & WANTS_BRANCH_MISSES)) {
    end_budget(cpu);
    return;
  }
  unsigned ring = ring_of(cpu);
  if (way != BX_PMU_ALWAYS && model.branch_is_missed(cpu, address, way == BX_PMU_TAKEN)) {
    if ((Bit64s) ++c.seen.branch_misses[ring] >= c.limits.branch_misses[ring]) end_budget(cpu);
  }
  if ((Bit64s) ++c.seen.branches[ring] >= c.limits.branches[ring]) end_budget(cpu);
  // Counted here, so the hot counter starts again: the next branch comes here as well.
  c.granted_branches[ring] = branches_of(cpu, ring) = 0;
}

// An instruction has the events of that of its accesses which reached furthest. Accesses of an
// instruction that faults, and those of the fault's delivery, go to the next one that retires.
void bx_pmu_memory(unsigned cpu, Bit64u physical)
{
  cold_t &c = cold[cpu];
  unsigned ring = ring_of(cpu);
  Bit64u instruction = c.retired + 1;
  for (unsigned each = 0; each < 2; each++)
    instruction += c.granted_instructions[each] - instructions_of(cpu, each);
  if (c.accessing != instruction) {
    c.accessing = instruction;
    c.reach = 0;
  }
  int reach = model.access(cpu, physical);
  if (reach >= 1 && c.reach < 1) {
    if ((Bit64s) ++c.seen.llc_references[ring] >= c.limits.llc_references[ring]) end_budget(cpu);
  }
  if (reach >= 2 && c.reach < 2) {
    if ((Bit64s) ++c.seen.llc_misses[ring] >= c.limits.llc_misses[ring]) end_budget(cpu);
  }
  if (reach > c.reach) c.reach = reach;
}

int bx_pmu_rdmsr(unsigned cpu, Bit32u index, Bit64u *value)
{
  if (! bx_pmu_is_present()) return -1;
  bx_pmu_sync(cpu);
  return model.rdmsr(cpu, index, value);
}

int bx_pmu_wrmsr(unsigned cpu, Bit32u index, Bit64u value)
{
  if (! bx_pmu_is_present()) return -1;
  report(cpu);
  int outcome = model.wrmsr(cpu, index, value);
  grant(cpu);
  return outcome;
}

bool bx_pmu_rdpmc(unsigned cpu, Bit32u ecx, Bit64u *value)
{
  bx_pmu_sync(cpu);
  return model.rdpmc(cpu, ecx, value);
}

void bx_pmu_cpuid(unsigned cpu, Bit32u leaf, Bit32u subleaf,
                  Bit32u *eax, Bit32u *ebx, Bit32u *ecx, Bit32u *edx)
{
  if (! bx_pmu_is_present()) return;
  Bit32u registers[4] = { *eax, *ebx, *ecx, *edx };
  model.cpuid(cpu, leaf, subleaf, registers);
  *eax = registers[0];
  *ebx = registers[1];
  *ecx = registers[2];
  *edx = registers[3];
}

bool bx_pmu_global_ctrl_is_valid(unsigned cpu, Bit64u value)
{
  return model.global_ctrl_is_valid(cpu, value);
}

bool bx_pmu_debugctl_is_valid(unsigned cpu, Bit64u value)
{
  return model.debugctl_is_valid(cpu, value);
}

void bx_pmu_load_global_ctrl(unsigned cpu, Bit64u value)
{
  if (! bx_pmu_is_present()) return;
  report(cpu);
  model.load_global_ctrl(cpu, value);
  grant(cpu);
}

void bx_pmu_load_debugctl(unsigned cpu, Bit64u value)
{
  if (! bx_pmu_is_present()) return;
  report(cpu);
  model.load_debugctl(cpu, value);
  grant(cpu);
}

Bit64u bx_pmu_global_ctrl(unsigned cpu)
{
  bx_pmu_sync(cpu);
  return model.global_ctrl(cpu);
}

Bit64u bx_pmu_debugctl(unsigned cpu)
{
  bx_pmu_sync(cpu);
  return model.debugctl(cpu);
}

// isa-debug-exit, as QEMU has it: a byte written to port 0xf4 ends the machine with status
// (byte << 1) | 1. With BATON_COUNT set, the number of instructions executed goes to that file.
void bx_pmu_out(Bit16u port, Bit32u value)
{
  if (port != 0xf4) return;
  if (const char *path = getenv("BATON_COUNT")) {
    if (FILE *file = fopen(path, "w")) {
      for (int cpu = 0; cpu < BX_SMP_PROCESSORS; cpu++)
        fprintf(file, "%llu\n", (unsigned long long) BX_CPU(cpu)->get_icount());
      fclose(file);
    }
  }
  fflush(NULL);
  bx_atexit();
  exit((int) (((value << 1) | 1) & 0xff));
}
