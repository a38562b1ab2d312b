//! A serial port that is always ready to send and never receives.
//!
//! "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs", "Register Summary". No interrupts: this VM has no
//! interrupt controller that the port could be wired to. No speed: the divisor is remembered, a byte takes no time.

/// Register: data; the divisor's low half while [`DIVISOR_ACCESS`] is set.
const DATA: u16 = 0;
/// Register: interrupt enable; the divisor's high half.
const INTERRUPT_ENABLE: u16 = 1;
/// Register: interrupt identification when read, FIFO control when written.
const IDENTIFICATION: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;
const MODEM_STATUS: u16 = 6;
const SCRATCH: u16 = 7;

/// Line control: registers 0 and 1 are the divisor.
const DIVISOR_ACCESS: u8 = 1 << 7;
/// Modem control: what is sent comes back instead, and outputs become inputs.
const LOOPBACK: u8 = 1 << 4;
/// FIFO control: FIFOs are on.
const FIFO_ENABLE: u8 = 1;
/// Identification: no interrupt waits.
const NO_INTERRUPT: u8 = 1;
/// Identification: FIFOs are on.
const FIFOS_ON: u8 = 0b1100_0000;
/// Line status: the sender's register and its shift register are empty.
const READY: u8 = 0b0110_0000;
/// Modem status: carrier, ready, clear to send.
const CONNECTED: u8 = 0b1011_0000;

#[derive(Clone, Debug, Default)]
pub(super) struct Serial {
    divisor: [u8; 2],
    interrupt_enable: u8,
    fifos: bool,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
}

impl Serial {
    /// Reads register `offset`, 0 to 7.
    pub(super) fn read(&self, offset: u16) -> u8 {
        match offset {
            DATA if self.has_divisor() => self.divisor[0],
            INTERRUPT_ENABLE if self.has_divisor() => self.divisor[1],
            INTERRUPT_ENABLE => self.interrupt_enable,
            IDENTIFICATION if self.fifos => NO_INTERRUPT | FIFOS_ON,
            IDENTIFICATION => NO_INTERRUPT,
            LINE_CONTROL => self.line_control,
            MODEM_CONTROL => self.modem_control,
            LINE_STATUS => READY,
            MODEM_STATUS if self.modem_control & LOOPBACK != 0 => looped(self.modem_control),
            MODEM_STATUS => CONNECTED,
            SCRATCH => self.scratch,
            // DATA: nothing was received.
            _ => 0,
        }
    }

    /// Writes register `offset`, 0 to 7. Answers the byte that was sent by it, if one was.
    pub(super) fn write(&mut self, offset: u16, value: u8) -> Option<u8> {
        match offset {
            DATA if self.has_divisor() => self.divisor[0] = value,
            DATA if self.modem_control & LOOPBACK == 0 => return Some(value),
            INTERRUPT_ENABLE if self.has_divisor() => self.divisor[1] = value,
            INTERRUPT_ENABLE => self.interrupt_enable = value & 0xf,
            IDENTIFICATION => self.fifos = value & FIFO_ENABLE != 0,
            LINE_CONTROL => self.line_control = value,
            MODEM_CONTROL => self.modem_control = value & 0x1f,
            SCRATCH => self.scratch = value,
            // The status registers can only be read; what loops back is lost.
            _ => {}
        }
        None
    }

    const fn has_divisor(&self) -> bool {
        self.line_control & DIVISOR_ACCESS != 0
    }
}

/// The modem's inputs in loopback: RTS, DTR, OUT1 and OUT2 as CTS, DSR, RI and DCD.
const fn looped(control: u8) -> u8 {
    (control & 0b0010) << 3 | (control & 0b0001) << 5 | (control & 0b1100) << 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_the_data_register_is_sent_unless_it_is_the_divisor_or_loops_back() {
        let mut port = Serial::default();
        assert_eq!(port.write(DATA, b'a'), Some(b'a'));
        port.write(LINE_CONTROL, 0x80);
        assert_eq!(port.write(DATA, 1), None);
        assert_eq!((port.read(DATA), port.read(INTERRUPT_ENABLE)), (1, 0));
        port.write(LINE_CONTROL, 0x03);
        port.write(MODEM_CONTROL, LOOPBACK);
        assert_eq!(port.write(DATA, b'b'), None);
    }

    #[test]
    fn a_driver_that_probes_finds_a_16550_that_is_ready() {
        let mut port = Serial::default();
        assert_eq!(port.read(LINE_STATUS) & 0x60, 0x60);
        port.write(IDENTIFICATION, 0x01);
        assert_eq!(port.read(IDENTIFICATION), 0xc1);
        port.write(SCRATCH, 0x5a);
        assert_eq!(port.read(SCRATCH), 0x5a);
        // RTS and OUT2 looped back are CTS and DCD.
        port.write(MODEM_CONTROL, 0x1a);
        assert_eq!(port.read(MODEM_STATUS), 0x90);
    }
}
