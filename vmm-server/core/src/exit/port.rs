//! IN and OUT: passed to the devices.

use super::Outcome;
use super::decode::PortAccess;
use crate::dev::Written;
use crate::env::Env;
use crate::registers::Registers;
use crate::vcpu::Vm;
use crate::verdict::Verdict;

pub(super) fn access(
    vm: &mut Vm,
    registers: &mut Registers<'_>,
    access: PortAccess,
    env: &mut impl Env,
) -> Outcome {
    if access.input {
        let value = vm.ports.input(access, env);
        registers.set_input(access.size, value);
        return Outcome::Completed;
    }
    let value = match access.size {
        1 => registers.eax() & 0xff,
        2 => registers.eax() & 0xffff,
        _ => registers.eax(),
    };
    match vm.ports.output(access, value, env) {
        Written::Done => Outcome::Completed,
        Written::Exit(code) => Outcome::Stop(Verdict::Exit { code }),
    }
}
