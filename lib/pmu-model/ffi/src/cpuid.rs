//! What the emulated processor's CPUID says of its counters and of its clock.

use pmu_model::Pmu;

use crate::settings::Settings;

/// Leaf 1, ECX: there is an IA32_PERF_CAPABILITIES.
const PDCM: u32 = 1 << 15;
/// Leaf 0x16, ECX: the bus clock in MHz. Nothing derives a time from it.
const BUS_MEGAHERTZ: u32 = 100;

/// Replaces in `registers` what the emulator's own CPU model says wrongly.
///
/// Leaf 0x15 gives a crystal as fast as the TSC (1 : 1), because the emulated local APIC timer
/// counts at that rate, and systems take the crystal for the timer's clock.
pub(crate) fn overlay(
    pmu: &Pmu,
    settings: &Settings,
    leaf: u32,
    subleaf: u32,
    registers: &mut [u32; 4],
) {
    if let Some(answer) = pmu.cpuid(leaf, subleaf) {
        *registers = answer;
        return;
    }
    let megahertz = settings.hertz / 1_000_000;
    match leaf {
        1 => {
            let [_, _, ecx, _] = registers;
            *ecx &= !PDCM;
            if pmu.config().capabilities.is_some() {
                *ecx |= PDCM;
            }
        }
        0x15 => *registers = [1, 1, settings.hertz, 0],
        0x16 => *registers = [megahertz, megahertz, BUS_MEGAHERTZ, 0],
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str, leaf: u32, mut registers: [u32; 4]) -> [u32; 4] {
        let settings: Settings = text.parse().expect("valid settings");
        let pmu = Pmu::new(settings.config).expect("a valid processor");
        overlay(&pmu, &settings, leaf, 0, &mut registers);
        registers
    }

    #[test]
    fn the_clock_is_one_gigahertz_unless_told_otherwise() {
        let spr = "processor=sapphire_rapids";
        assert_eq!(leaf(spr, 0x15, [7; 4]), [1, 1, 1_000_000_000, 0]);
        assert_eq!(leaf(spr, 0x16, [7; 4]), [1000, 1000, 100, 0]);
        let slow = "processor=sapphire_rapids hertz=250000000";
        assert_eq!(leaf(slow, 0x15, [7; 4]), [1, 1, 250_000_000, 0]);
    }

    #[test]
    fn pdcm_agrees_with_the_capabilities_and_the_rest_of_leaf_1_stays() {
        let [eax, ebx, ecx, edx] = leaf("processor=skylake_x", 1, [1, 2, 0x10, 4]);
        assert_eq!((eax, ebx, ecx, edx), (1, 2, 0x8010, 4));
    }

    #[test]
    fn leaves_that_are_nobodys_business_stay() {
        assert_eq!(leaf("processor=skylake_x", 7, [1, 2, 3, 4]), [1, 2, 3, 4]);
    }

    #[test]
    fn leaf_10_is_the_models() {
        let [eax, _, ecx, edx] = leaf("processor=sapphire_rapids", 10, [0; 4]);
        assert_eq!(eax, 0x0830_0805);
        assert_eq!((ecx, edx), (0x7, 0x8603));
    }
}
