//! How much the PMU model slows the reference machine down.
//!
//! The same work (`tests/emu/src/bin/speed`) runs on Bochs as it comes and on Bochs with the
//! model, with nothing counted and with counters that raise an interrupt every million events.
//! The processor time between the work's two marks is compared, the median of five
//! measurements. What else the host does can only add to it, so a measurement is the shortest
//! of a few runs, and the machines take turns.

use std::fs;
use std::io::Read as _;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::bare::Alone;
use crate::board::Board;
use crate::emulator::bochs::{self, Config, Variant};
use crate::emulator::{Boot, Clock, RunFolder};
use crate::process::{announce, storage};
use crate::toolchain::Toolchain;
use crate::ui::{self, Table};

/// How often each machine is measured, and how often it runs for that.
const MEASUREMENTS: usize = 5;
const RUNS: usize = 3;
/// Reported by Linux as time per unit in /proc/PID/stat: USER_HZ, 100 on every architecture.
const TICK: Duration = Duration::from_millis(10);
const BEGIN: &[u8] = b"\nspeed: begin\n";
const END: &[u8] = b"\nspeed: end\n";

/// One way to run the work.
struct Machine {
    /// What the budget calls it.
    metric: &'static str,
    variant: Variant,
    /// The setting that the work reads.
    count: &'static str,
}

/// What the others are compared with, and the others.
const STOCK: Machine = Machine {
    metric: "stock",
    variant: Variant::Stock,
    count: "count=nothing",
};
const COMPARED: [Machine; 3] = [
    Machine {
        metric: "counters_off",
        variant: Variant::WithPmu,
        count: "count=nothing",
    },
    Machine {
        metric: "instructions_and_cycles",
        variant: Variant::WithPmu,
        count: "count=instructions",
    },
    Machine {
        metric: "branches_too",
        variant: Variant::WithPmu,
        count: "count=branches",
    },
];

/// A machine's speed as a share of the stock one's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed {
    pub(super) metric: &'static str,
    /// Medians.
    pub(super) time: Duration,
    pub(super) ratio: f64,
}

/// Runs everything and says how fast each machine with the model is.
pub(super) fn measure(board: &Board, toolchain: &Toolchain) -> anyhow::Result<Vec<Speed>> {
    let config = board
        .facts
        .bochs
        .as_ref()
        .with_context(|| format!("board {} is not run by Bochs", board.name))?;
    bochs::prepare()?;
    bochs::prepare_stock()?;
    let program = Alone {
        package: "emu-proofs",
        program: "speed",
        script: "tests/emu/proof.ld",
        arguments: &[],
    };
    let kernel = program.build(toolchain)?;
    let machines = || std::iter::once(&STOCK).chain(&COMPARED);
    let mut times: Vec<Vec<Duration>> = machines().map(|_| Vec::new()).collect();
    let what = format!(
        "running the work {} times",
        MEASUREMENTS * RUNS * times.len()
    );
    ui::step(&what, 180, None, || {
        for _ in 0..MEASUREMENTS {
            let mut shortest = vec![Duration::MAX; times.len()];
            for _ in 0..RUNS {
                for (machine, shortest) in machines().zip(&mut shortest) {
                    *shortest = machine.run(board, config, &kernel)?.min(*shortest);
                }
            }
            for (times, shortest) in times.iter_mut().zip(shortest) {
                times.push(shortest);
            }
        }
        Ok(())
    })?;
    let mut medians = times.into_iter().map(median);
    let stock = medians.next().context("the stock machine ran")?;
    let compared = COMPARED.iter().zip(medians);
    let speeds = compared.map(|(machine, time)| Speed {
        metric: machine.metric,
        time,
        ratio: stock.as_secs_f64() / time.as_secs_f64(),
    });
    let stock = Speed {
        metric: STOCK.metric,
        time: stock,
        ratio: 1.0,
    };
    Ok(std::iter::once(stock).chain(speeds).collect())
}

impl Machine {
    /// The processor time that the work takes.
    fn run(
        &self,
        board: &Board,
        config: &Config,
        kernel: &std::path::Path,
    ) -> anyhow::Result<Duration> {
        let folder = RunFolder::create()?;
        let image = folder.path().join("settings");
        fs::write(&image, self.count).map_err(|error| storage(&error, &image))?;
        let boot = Boot {
            board,
            kernel,
            image: &image,
            clock: Clock::Instructions,
        };
        let launch = match self.variant {
            Variant::WithPmu => bochs::launch(config, &boot, folder.path())?,
            Variant::Stock => bochs::launch_bare(config, &boot, folder.path(), Variant::Stock)?,
        };
        let mut command = launch.command;
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        announce(&command);
        let mut emulator = Running(command.spawn().context("cannot start Bochs")?);
        let time = between_marks(&mut emulator.0, board.time_limit())
            .with_context(|| format!("the machine `{}`", self.metric))?;
        if self.variant == Variant::WithPmu {
            // The work says by the machine's status whether its counters counted.
            let status = emulator.0.wait().context("cannot wait for Bochs")?;
            let end = status.code().and_then(testproto::End::from_status);
            ensure!(
                end == Some(testproto::End::Passed),
                "the machine `{}` ended with {status}",
                self.metric
            );
        }
        Ok(time)
    }
}

/// The emulator's process. Stock Bochs never ends by itself, so it is stopped on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn between_marks(child: &mut Child, limit: Duration) -> anyhow::Result<Duration> {
    let id = child.id();
    let mut output = child.stdout.take().context("its output is a pipe")?;
    let start = Instant::now();
    wait_for(&mut output, BEGIN, start, limit)?;
    let begin = processor_time(id)?;
    wait_for(&mut output, END, start, limit)?;
    let time = processor_time(id)?.saturating_sub(begin);
    // What it still says must go somewhere, or it waits for ever.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    ensure!(!time.is_zero(), "the work took no time");
    Ok(time)
}

/// Reads until `mark` has come.
fn wait_for(
    output: &mut ChildStdout,
    mark: &[u8],
    start: Instant,
    limit: Duration,
) -> anyhow::Result<()> {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(mark) {
        if output.read(&mut byte).context("cannot read")? == 0 {
            bail!("it ended before its work was done");
        }
        ensure!(start.elapsed() < limit, "took more than {limit:?}");
        heard.extend(byte);
    }
    Ok(())
}

/// The time that a process has had a processor for its own instructions.
fn processor_time(id: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let ticks = user_ticks(&text).with_context(|| format!("{path} has another form"))?;
    Ok(TICK * ticks)
}

/// The fourteenth field, counted behind the name, which may have blanks: user time.
fn user_ticks(text: &str) -> Option<u32> {
    let (_, behind_name) = text.rsplit_once(')')?;
    behind_name.split_whitespace().nth(11)?.parse().ok()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The speeds beside what is required, and how many fall short.
pub(super) fn compare(speeds: &[Speed], required: &[&super::Ratio]) -> (Table, usize) {
    let mut table = Table::with_headings(["", "median", "unit", "ratio", "at least", ""]);
    let mut failed = 0;
    let mut row = |what: &str, speed: Option<&Speed>, least: Option<f64>| {
        let word = match (speed, least) {
            (Some(speed), Some(least)) if speed.ratio >= least => "kept",
            (Some(_), Some(_)) => "MISSED",
            (None, Some(_)) => "NOT MEASURED",
            (_, None) => "",
        };
        failed += usize::from(matches!(word, "MISSED" | "NOT MEASURED"));
        let text = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        table.row([
            what.to_owned(),
            text(speed.map(|speed| speed.time.as_secs_f64())),
            "s".to_owned(),
            text(speed.map(|speed| speed.ratio)),
            text(least),
            word.to_owned(),
        ]);
    };
    let of = |metric: &str| speeds.iter().find(|speed| speed.metric == metric);
    row("Bochs as it comes", of(STOCK.metric), None);
    for ratio in required {
        row(&ratio.what, of(&ratio.metric), Some(ratio.at_least));
    }
    (table, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let times = [9, 1, 5, 2, 7].map(Duration::from_secs).to_vec();
        assert_eq!(median(times), Duration::from_secs(5));
    }

    #[test]
    fn user_time_is_found_behind_a_name_with_blanks_and_brackets() {
        let text = "7 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 198 30 0 0";
        assert_eq!(user_ticks(text), Some(198));
        assert_eq!(user_ticks("7 (a"), None);
    }

    #[test]
    fn a_ratio_below_its_requirement_or_not_measured_is_missed() {
        let ratio = |metric: &str, at_least| super::super::Ratio {
            bench: "machine".into(),
            metric: metric.into(),
            what: metric.into(),
            at_least,
        };
        let speed = |metric, ratio| Speed {
            metric,
            time: Duration::from_secs(2),
            ratio,
        };
        let speeds = [speed("stock", 1.0), speed("a", 0.95), speed("b", 0.79)];
        let required = [ratio("a", 0.9), ratio("b", 0.8), ratio("c", 0.6)];
        let (table, failed) = compare(&speeds, &required.iter().collect::<Vec<_>>());
        assert_eq!(failed, 2);
        expect_test::expect![[r#"
                               median  unit  ratio  at least
            Bochs as it comes    2.00  s      1.00
            a                    2.00  s      0.95      0.90  kept
            b                    2.00  s      0.79      0.80  MISSED
            c                          s                0.60  NOT MEASURED
        "#]]
        .assert_eq(&table.to_string());
    }
}
