// What Bochs calls when something happens that a performance counter could count.
//
// Included by bochs.h into every file of the emulator, so the hot path is here, inline: one
// decrement an instruction, one a branch, one test a memory access. Everything else is in
// instrument.cc (the shim) and in the PMU model behind it (lib/pmu-model, a Rust library).
// The model says how much may retire before it must be told ("budget"); so overflows are
// exact and nothing is called as long as no budget runs out.
#ifndef BATON_PMU_INSTRUMENT_H
#define BATON_PMU_INSTRUMENT_H

// What is left of the budgets, in each CPU: those of the ring that the CPU is in (ring 0 or the
// others, which is all that counters tell apart), and those of the other ring, which wait.
// A budget of n is stored as n - 1, so that the event that uses it up makes it negative.
struct bx_pmu_hot_t {
  Bit64s instructions, branches;
  Bit64s waiting_instructions, waiting_branches;
  bool is_user;             // the CPU is in ring 1, 2 or 3
  bool wants_memory;        // some counter counts last-level cache events
};

// Which way a branch went. Only conditional ones can be predicted wrongly.
enum bx_pmu_way_t { BX_PMU_NOT_TAKEN, BX_PMU_TAKEN, BX_PMU_ALWAYS };

// The cold side: called rarely, by CPU number.
void bx_pmu_power_on(unsigned cpu);
void bx_pmu_reset(unsigned cpu, unsigned type);
void bx_pmu_sync(unsigned cpu);                                 // a budget ran out
void bx_pmu_branch(unsigned cpu, Bit64u address, bx_pmu_way_t way);
void bx_pmu_memory(unsigned cpu, Bit64u physical);
void bx_pmu_out(Bit16u port, Bit32u value);

// For the places in Bochs that the patch adds.
bool bx_pmu_is_present();                                       // BATON_MODEL is set
bool bx_pmu_has_save_on_exit();                                 // the board's VM-exit control
int  bx_pmu_rdmsr(unsigned cpu, Bit32u index, Bit64u *value);   // 1 done, 0 #GP, -1 not a PMU's
int  bx_pmu_wrmsr(unsigned cpu, Bit32u index, Bit64u value);    // the same
bool bx_pmu_rdpmc(unsigned cpu, Bit32u ecx, Bit64u *value);     // false: #GP
void bx_pmu_cpuid(unsigned cpu, Bit32u leaf, Bit32u subleaf,
                  Bit32u *eax, Bit32u *ebx, Bit32u *ecx, Bit32u *edx);
// VM entry and exit: check, load, save.
bool bx_pmu_global_ctrl_is_valid(unsigned cpu, Bit64u value);
bool bx_pmu_debugctl_is_valid(unsigned cpu, Bit64u value);
void bx_pmu_load_global_ctrl(unsigned cpu, Bit64u value);
void bx_pmu_load_debugctl(unsigned cpu, Bit64u value);
Bit64u bx_pmu_global_ctrl(unsigned cpu);
Bit64u bx_pmu_debugctl(unsigned cpu);

// An instruction has retired in the ring that the CPU is in now: one that changes the
// privilege level is charged to the new level.
#define BX_PMU_RETIRE() {                                                              \
  if (__builtin_expect(--BX_CPU_THIS_PTR pmu.instructions < 0, 0))                     \
    bx_pmu_sync(BX_CPU_ID);                                                            \
}
// The next BX_PMU_RETIRE is not to count: half of a REP, or an entry counted in the host.
#define BX_PMU_UNRETIRE() (BX_CPU_THIS_PTR pmu.instructions++)

// The code segment was loaded, so the privilege level may be another.
#define BX_PMU_ENTER_RING(ring) {                                                      \
  if (((ring) != 0) != BX_CPU_THIS_PTR pmu.is_user)                                    \
    bx_pmu_exchange(&BX_CPU_THIS_PTR pmu);                                             \
}
inline void bx_pmu_exchange(bx_pmu_hot_t *hot)
{
  Bit64s instructions = hot->instructions, branches = hot->branches;
  hot->instructions = hot->waiting_instructions;
  hot->branches = hot->waiting_branches;
  hot->waiting_instructions = instructions;
  hot->waiting_branches = branches;
  hot->is_user = ! hot->is_user;
}

#define BX_PMU_BRANCH(address, way) {                                                  \
  if (__builtin_expect(--BX_CPU_THIS_PTR pmu.branches < 0, 0))                         \
    bx_pmu_branch(BX_CPU_ID, address, way);                                            \
}

#define BX_INSTR_INITIALIZE(cpu_id)                        bx_pmu_power_on(cpu_id)
#define BX_INSTR_RESET(cpu_id, type)                       bx_pmu_reset(cpu_id, type)
#define BX_INSTR_AFTER_EXECUTION(cpu_id, i)                BX_PMU_RETIRE()
#define BX_INSTR_HLT(cpu_id)                               bx_pmu_sync(cpu_id)
#define BX_INSTR_OUTP(port, len, value)                    bx_pmu_out(port, value)
#define BX_INSTR_CNEAR_BRANCH_TAKEN(cpu_id, from, to)      BX_PMU_BRANCH(from, BX_PMU_TAKEN)
#define BX_INSTR_CNEAR_BRANCH_NOT_TAKEN(cpu_id, from)      BX_PMU_BRANCH(from, BX_PMU_NOT_TAKEN)
#define BX_INSTR_UCNEAR_BRANCH(cpu_id, what, from, to)     BX_PMU_BRANCH(from, BX_PMU_ALWAYS)
#define BX_INSTR_FAR_BRANCH(cpu_id, what, old_cs, from, new_cs, to)                    \
  BX_PMU_BRANCH(from, BX_PMU_ALWAYS)
#define BX_INSTR_LIN_ACCESS(cpu_id, linear, physical, len, memtype, rw) {              \
  if (__builtin_expect(BX_CPU_THIS_PTR pmu.wants_memory, 0))                           \
    bx_pmu_memory(cpu_id, physical);                                                   \
}

// The rest of Bochs's interface is of no use here.
#define BX_INSTR_INIT_ENV()
#define BX_INSTR_EXIT_ENV()
#define BX_INSTR_EXIT(cpu_id)
#define BX_INSTR_DEBUG_PROMPT()
#define BX_INSTR_DEBUG_CMD(cmd)
#define BX_INSTR_OPCODE(cpu_id, i, opcode, len, is32, is64)
#define BX_INSTR_EXCEPTION(cpu_id, vector, error_code)
#define BX_INSTR_INTERRUPT(cpu_id, vector)
#define BX_INSTR_HWINTERRUPT(cpu_id, vector, cs, eip)
#define BX_INSTR_CLFLUSH(cpu_id, laddr, paddr)
#define BX_INSTR_CACHE_CNTRL(cpu_id, what)
#define BX_INSTR_TLB_CNTRL(cpu_id, what, new_cr3)
#define BX_INSTR_PREFETCH_HINT(cpu_id, what, seg, offset)
#define BX_INSTR_BEFORE_EXECUTION(cpu_id, i)
#define BX_INSTR_REPEAT_ITERATION(cpu_id, i)
#define BX_INSTR_PHY_ACCESS(cpu_id, phy, len, memtype, rw)
#define BX_INSTR_INP(addr, len)
#define BX_INSTR_INP2(addr, len, val)
#define BX_INSTR_MWAIT(cpu_id, addr, len, flags)
#define BX_INSTR_WRMSR(cpu_id, addr, value)
#define BX_INSTR_VMEXIT(cpu_id, reason, qualification)

#endif
