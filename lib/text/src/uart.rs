//! The transmitter of a 16550 UART, by polling.

use core::fmt;

use sel4::cap::Port;

/// First port of the PC's first serial line.
const BASE: u16 = 0x3f8;
/// Transmitter holding register: bytes to send.
const DATA: u16 = BASE;
/// FIFO control register.
const FIFO_CONTROL: u16 = BASE + 2;
/// Line status register.
const LINE_STATUS: u16 = BASE + 5;
/// FIFO control: FIFOs on.
const FIFO_ENABLE: u8 = 1;
/// Line status: the transmit FIFO is empty ("THRE").
const FIFO_IS_EMPTY: u8 = 1 << 5;
/// Line status: FIFO and shift register are empty ("TEMT").
const LINE_IS_IDLE: u8 = 1 << 6;
/// Bytes that the transmit FIFO holds. Texas Instruments, "TL16C550C", section "FIFO Control Register".
const FIFO_BYTES: usize = 16;
/// How often the status is read before the line counts as stuck. At 115200 baud a full FIFO takes 1.4 ms,
/// less than a tenth of this many system calls on any machine.
const PATIENCE: u32 = 1_000_000;

/// The transmitter did not become ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stuck;

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the serial line takes no bytes")
    }
}

/// The serial line, as its writer sees it.
#[derive(Debug)]
pub struct Uart {
    port: Port,
}

impl Uart {
    /// Takes the line over. `port` is the range of the first serial line.
    ///
    /// # Errors
    /// [`Stuck`]: what was written before never left.
    ///
    /// # Panics
    /// If `port` is another range: the system description is wrong.
    pub fn open(port: Port) -> Result<Self, Stuck> {
        let uart = Self { port };
        // Switching the FIFO on empties it, so what is in there has to be sent first.
        uart.drain()?;
        uart.port
            .out8(FIFO_CONTROL, FIFO_ENABLE)
            .expect("the range is the first serial line's");
        Ok(uart)
    }

    /// Sends bytes; when this returns they are on their way.
    ///
    /// # Errors
    /// [`Stuck`], after some of the bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Stuck> {
        for piece in bytes.chunks(FIFO_BYTES) {
            self.wait_for(FIFO_IS_EMPTY)?;
            self.port
                .out_bytes(DATA, piece)
                .expect("the range is the first serial line's");
        }
        Ok(())
    }

    /// Waits until every byte has left the machine.
    ///
    /// # Errors
    /// [`Stuck`].
    pub fn drain(&self) -> Result<(), Stuck> {
        self.wait_for(LINE_IS_IDLE)
    }

    fn wait_for(&self, condition: u8) -> Result<(), Stuck> {
        for _ in 0..PATIENCE {
            let status = self
                .port
                .in8(LINE_STATUS)
                .expect("the range is the first serial line's");
            if status & condition != 0 {
                return Ok(());
            }
        }
        Err(Stuck)
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|Stuck| fmt::Error)
    }
}
