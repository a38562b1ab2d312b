//! Precise sampling and topdown metrics: known so as to be refused.
//!
//! Nothing in this project uses these. Their layouts depend on the CPU model and are not
//! spelled out; who refuses an access needs the address only.

use crate::msr::{MsrAddr, plain_registers};

plain_registers! {
    /// PERF_METRICS: topdown metrics of level 1. Exists where PERF_CAPABILITIES says so.
    /// SDM vol. 3B, "Performance Metrics".
    PerfMetrics: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x329);
        const NAME: &'static str = "PERF_METRICS";
    }
    /// IA32_PEBS_ENABLE: which counters write PEBS records.
    /// SDM vol. 3B, "Processor Event Based Sampling (PEBS)".
    PebsEnable: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x3f1);
        const NAME: &'static str = "IA32_PEBS_ENABLE";
    }
    /// MSR_PEBS_DATA_CFG: which groups a record holds, with PEBS baseline.
    /// SDM vol. 3B, "PEBS Record Format".
    PebsDataConfig: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x3f2);
        const NAME: &'static str = "MSR_PEBS_DATA_CFG";
    }
    /// MSR_PEBS_LD_LAT_THRESHOLD: the least latency of a load that is recorded.
    /// SDM vol. 3B, "Load Latency Performance Monitoring Facility".
    PebsLoadLatency: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x3f6);
        const NAME: &'static str = "MSR_PEBS_LD_LAT_THRESHOLD";
    }
    /// MSR_PEBS_FRONTEND: which front-end events are recorded.
    /// SDM vol. 3B, "FRONTEND_RETIRED".
    PebsFrontend: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x3f7);
        const NAME: &'static str = "MSR_PEBS_FRONTEND";
    }
    /// IA32_DS_AREA: where the debug store's management area is.
    /// SDM vol. 3B, "Debug Store (DS) Mechanism".
    DebugStoreArea: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x600);
        const NAME: &'static str = "IA32_DS_AREA";
    }
}
