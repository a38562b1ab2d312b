//! A performance-monitoring unit that counts on its fingers.
//!
//! Written from the manual and from nothing else: registers are numbers in a map, bits are
//! tested one by one, events are counted one by one.

use std::collections::BTreeMap;

use pmu_model::{Config, Version};

use crate::Processor;
use crate::program::Instruction;

pub(crate) struct Naive {
    config: Config,
    /// Every register that holds its value, by address; counters by their first address.
    registers: BTreeMap<u32, u64>,
    /// Whether the condition of each general-purpose counter held when it last looked.
    held: [bool; 8],
    /// Parts of a reference cycle that have passed in each ring.
    clock: [u32; 2],
    /// Instructions until an interrupt arrives.
    arriving: Option<u32>,
    retired: u64,
    interrupts: Vec<u64>,
}

impl Naive {
    pub(crate) fn new(config: &Config) -> Self {
        let mut registers = BTreeMap::new();
        let mut all_gp = 0;
        for index in 0..config.gp_counters {
            all_gp |= 1 << index;
        }
        registers.insert(0x38f, all_gp);
        Self {
            config: *config,
            registers,
            held: [false; 8],
            clock: [0; 2],
            arriving: None,
            retired: 0,
            interrupts: Vec::new(),
        }
    }

    fn get(&self, address: u32) -> u64 {
        self.registers.get(&address).copied().unwrap_or(0)
    }

    fn bit(&self, address: u32, bit: u32) -> bool {
        self.get(address) & (1 << bit) != 0
    }

    fn set(&mut self, address: u32, bit: u32) {
        let value = self.get(address) | 1 << bit;
        self.registers.insert(address, value);
    }

    fn is_v4(&self) -> bool {
        self.config.version != Version::V2
    }

    fn fixed_exists(&self, index: u32) -> bool {
        index < 4
            && (u32::from(self.config.fixed_counters) > index
                || self.config.fixed_bitmap & (1 << index) != 0)
    }

    fn gp_exists(&self, index: u32) -> bool {
        index < u32::from(self.config.gp_counters)
    }

    /// Whether `bit` of the register at `address` may be written as a one.
    fn may_write(&self, address: u32, bit: u32) -> bool {
        let counter = self.gp_exists(bit) || bit >= 32 && self.fixed_exists(bit - 32);
        let any_thread = self.is_v4() && !self.config.any_thread_deprecated;
        match address {
            0xc1..=0xc8 => true,
            0x4c1..=0x4c8 => bit < u32::from(self.config.gp_width),
            0x309..=0x30c => bit < u32::from(self.config.fixed_width),
            0x186..=0x18d => bit < 32 && (bit != 21 || any_thread),
            0x38d => bit < 16 && self.fixed_exists(bit / 4) && (bit % 4 != 2 || any_thread),
            0x38f => counter,
            0x390 | 0x391 => match bit {
                55 => self.is_v4() && self.config.has_processor_trace,
                58 | 59 | 61 => self.is_v4(),
                60 => self.is_v4() && self.config.has_sgx,
                62 => true,
                63 => address == 0x390,
                _ => counter,
            },
            0x1d9 => [1, 11, 12, 14].contains(&bit),
            _ => false,
        }
    }

    fn exists(&self, address: u32) -> bool {
        let capabilities = self.config.capabilities;
        match address {
            0xc1..=0xc8 => self.gp_exists(address - 0xc1),
            0x186..=0x18d => self.gp_exists(address - 0x186),
            0x4c1..=0x4c8 => {
                capabilities.is_some_and(|bits| u64::from(bits) & 0x2000 != 0)
                    && self.gp_exists(address - 0x4c1)
            }
            0x309..=0x30c => self.fixed_exists(address - 0x309),
            0x345 => capabilities.is_some(),
            0x391 | 0x392 => self.is_v4(),
            0x38d..=0x390 | 0x1d9 => true,
            _ => false,
        }
    }

    /// Counts one event on the counter at `address`; says whether it overflowed.
    fn count_one(&mut self, address: u32, width: u8) -> bool {
        let next = self.get(address) + 1;
        let overflow = next == 1 << width;
        self.registers
            .insert(address, if overflow { 0 } else { next });
        overflow
    }

    /// How often what `event` names happens in this instruction.
    fn happens(&self, event: u64, instruction: Instruction, ticks: u32) -> u32 {
        let (number, times) = match event {
            0x003c => (0, 1),
            0x00c0 => (1, 1),
            0x013c => (2, ticks),
            0x4f2e => (3, u32::from(instruction.reference)),
            0x412e => (4, u32::from(instruction.cache_miss)),
            0x00c4 => (5, u32::from(instruction.branch)),
            0x00c5 => (6, u32::from(instruction.branch_miss)),
            0x01a4 => (7, 4),
            _ => return 0,
        };
        let listed = number < self.config.event_count;
        let missing = self.config.events_missing & (1 << number) != 0;
        if listed && !missing { times } else { 0 }
    }

    fn is_known(&self, event: u64) -> bool {
        let everything = Instruction {
            user: false,
            branch: true,
            branch_miss: true,
            reference: true,
            cache_miss: true,
        };
        self.happens(event, everything, 1) != 0
    }

    /// What general-purpose counter `index` adds for this instruction.
    fn gp_adds(&mut self, index: u32, instruction: Instruction, ticks: u32) -> u32 {
        let select = 0x186 + index;
        let ring = if instruction.user { 16 } else { 17 };
        let event = self.get(select) & 0xffff;
        let counts = self.bit(select, 22) && self.bit(0x38f, index) && self.bit(select, ring);
        if !counts || !self.is_known(event) {
            return 0;
        }
        let times = self.happens(event, instruction, ticks);
        let least = u32::try_from(self.get(select) >> 24 & 0xff).expect("eight bits");
        let edge = self.bit(select, 18);
        if least == 0 && !edge {
            return times;
        }
        let mut holds = times >= least.max(1);
        if self.bit(select, 23) && least != 0 {
            holds = !holds;
        }
        let held = std::mem::replace(&mut self.held[index as usize], holds);
        u32::from(if edge { holds && !held } else { holds })
    }

    fn fixed_adds(&self, index: u32, instruction: Instruction, ticks: u32) -> u32 {
        let ring = if instruction.user { 1 } else { 0 };
        if !self.bit(0x38d, 4 * index + ring) || !self.bit(0x38f, 32 + index) {
            return 0;
        }
        [1, 1, ticks, 4][index as usize]
    }

    fn tick(&mut self, user: bool) -> u32 {
        let ratio = self.config.reference_ratio;
        let clock = &mut self.clock[usize::from(user)];
        *clock += ratio.reference;
        let mut ticks = 0;
        while *clock >= ratio.core {
            *clock -= ratio.core;
            ticks += 1;
        }
        ticks
    }

    /// Counts on every counter. Says whether one that overflowed asks for an interrupt.
    fn count_all(&mut self, instruction: Instruction, ticks: u32) -> bool {
        let mut asks = false;
        if self.bit(0x38e, 59) {
            return false;
        }
        for index in 0..u32::from(self.config.gp_counters) {
            for _ in 0..self.gp_adds(index, instruction, ticks) {
                if self.count_one(0xc1 + index, self.config.gp_width) {
                    self.set(0x38e, index);
                    asks |= self.bit(0x186 + index, 20);
                }
            }
        }
        for index in 0..4 {
            for _ in 0..self.fixed_adds(index, instruction, ticks) {
                if self.count_one(0x309 + index, self.config.fixed_width) {
                    self.set(0x38e, 32 + index);
                    asks |= self.bit(0x38d, 4 * index + 3);
                }
            }
        }
        asks
    }

    fn freeze(&mut self) {
        if self.bit(0x1d9, 11) && self.is_v4() {
            self.set(0x38e, 58);
        }
        if self.bit(0x1d9, 12) {
            if self.is_v4() {
                self.set(0x38e, 59);
            } else {
                self.registers.insert(0x38f, 0);
            }
        }
    }

    fn in_use(&self) -> u64 {
        let mut value = 0;
        for index in 0..8 {
            let select = self.get(0x186 + index);
            if select & 0xff != 0 {
                value |= 1 << index;
            }
            if select & 1 << 20 != 0 {
                value |= 1 << 63;
            }
        }
        for index in 0..4 {
            if self.bit(0x38d, 4 * index) || self.bit(0x38d, 4 * index + 1) {
                value |= 1 << (32 + index);
            }
            if self.bit(0x38d, 4 * index + 3) {
                value |= 1 << 63;
            }
        }
        value
    }
}

impl Naive {
    fn read_one(&self, address: u32) -> Option<u64> {
        let value = match address {
            0x4c1..=0x4c8 => self.get(address - 0x400),
            0x390 | 0x391 => 0,
            0x392 => self.in_use(),
            0x345 => self.config.capabilities.map_or(0, u64::from),
            _ => self.get(address),
        };
        self.exists(address).then_some(value)
    }
}

impl Processor for Naive {
    fn run(&mut self, instruction: Instruction) {
        self.retired += 1;
        let ticks = self.tick(instruction.user);
        let asks = self.count_all(instruction, ticks);
        let mut interrupt = false;
        match self.arriving {
            Some(1) => {
                self.arriving = None;
                interrupt = true;
            }
            Some(left) => self.arriving = Some(left - 1),
            None => {}
        }
        if asks {
            self.freeze();
            if self.config.pmi_delay == 0 {
                interrupt = true;
            } else if self.arriving.is_none() {
                self.arriving = Some(u32::from(self.config.pmi_delay));
            }
        }
        if interrupt {
            self.interrupts.push(self.retired);
        }
    }

    fn write(&mut self, address: u32, value: u64) -> bool {
        let reserved = (0..64).any(|bit| value & 1 << bit != 0 && !self.may_write(address, bit));
        let read_only = [0x345, 0x38e, 0x392].contains(&address);
        if !self.exists(address) || read_only || reserved {
            return false;
        }
        match address {
            0xc1..=0xc8 => {
                let mut extended = value & 0xffff_ffff;
                for bit in 32..self.config.gp_width {
                    extended |= (value >> 31 & 1) << bit;
                }
                self.registers.insert(address, extended);
            }
            0x4c1..=0x4c8 => _ = self.registers.insert(address - 0x400, value),
            0x390 => _ = self.registers.insert(0x38e, self.get(0x38e) & !value),
            0x391 => _ = self.registers.insert(0x38e, self.get(0x38e) | value),
            _ => {
                if let 0x186..=0x18d = address {
                    self.held[(address - 0x186) as usize] = false;
                }
                self.registers.insert(address, value);
            }
        }
        true
    }

    fn read(&self, addresses: &[u32]) -> Vec<Option<u64>> {
        addresses
            .iter()
            .map(|&address| self.read_one(address))
            .collect()
    }

    fn load_global_ctrl(&mut self, value: u64) -> bool {
        self.write(0x38f, value)
    }

    fn halt(&mut self) {
        if self.arriving.take().is_some() {
            self.interrupts.push(self.retired);
        }
    }

    fn interrupts(&self) -> &[u64] {
        &self.interrupts
    }
}
