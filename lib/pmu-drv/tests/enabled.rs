//! What a context says it has enabled is what its selectors say, after any writes.

use pmu_drv::{Counter, CounterSet, PmuContext};
use proptest::prelude::*;
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel};

/// Counted bit by bit: EN is bit 22 of a selector, the rings are the low two bits of each four of FIXED_CTR_CTRL.
fn naively(context: &PmuContext) -> CounterSet {
    let gp = (0..8).filter(|&i| u64::from(context.selector(i)) >> 22 & 1 == 1);
    let control: u64 = context.fixed_control().into();
    let fixed = (0..4).filter(|i| control >> (4 * i) & 3 != 0);
    let gp = gp.filter_map(Counter::gp);
    let fixed = fixed.filter_map(Counter::fixed);
    gp.chain(fixed).fold(CounterSet::EMPTY, CounterSet::with)
}

proptest! {
    #[test]
    fn what_is_enabled_follows_every_write(
        writes in prop::collection::vec((0_u8..10, any::<u64>()), 0..40)
    ) {
        let mut context = PmuContext::new();
        for (index, value) in writes {
            match index {
                0..9 => context.set_selector(index, PerfEvtSel::from(value)),
                _ => context.set_fixed_control(FixedCtrCtrl::from(value)),
            }
            prop_assert_eq!(context.enabled(), naively(&context));
        }
        context.scrub();
        prop_assert!(context.is_idle());
    }
}
