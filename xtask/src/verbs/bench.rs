//! `bench`: measures on the emulator and compares with the budgets.

mod machine;

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::board::Board;
use crate::cli::{Bench, DEFAULT_BOARD, ToolchainChoice};
use crate::emulator::outcome::Metric;
use crate::emulator::{self, Boot, Clock, Watch};
use crate::refusal::Status;
use crate::system;
use crate::toolchain::Toolchain;
use crate::ui::{Table, on_output};
use crate::verdict;
use crate::workspace;

/// Where the budgets are.
const BUDGETS: &str = "tests/bench/budgets.toml";

/// The one measurement that is not a system but the machine's own speed, and its board.
const MACHINE: &str = "machine";
const REFERENCE: &str = "bochs-spr";

/// The file of budgets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Budgets {
    budget: Vec<Budget>,
    #[serde(default)]
    ratio: Vec<Ratio>,
    published: Vec<Published>,
}

/// What one measurement may cost.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Budget {
    bench: String,
    /// The name that the image reports it by.
    metric: String,
    /// What people call it.
    what: String,
    unit: String,
    /// The median must not be above this.
    at_most: Option<u64>,
    /// What we would like to reach.
    aim: Option<u64>,
    /// The same of seL4, without and with MCS.
    sel4: Option<String>,
    sel4_mcs: Option<String>,
}

/// What a speed may not fall below, as a share of another one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ratio {
    bench: String,
    /// The name that the measurement has in this program.
    metric: String,
    /// What people call it.
    what: String,
    at_least: f64,
}

/// A figure that somebody published.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Published {
    bench: String,
    system: String,
    value: String,
    unit: String,
    source: String,
}

/// How a budget and a measurement compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Kept,
    Exceeded,
    NotMeasured,
    /// Measured in another unit than the budget's.
    OtherUnit,
    NoBudget,
}

impl Verdict {
    fn of(budget: &Budget, metric: Option<&Metric>) -> Self {
        match (metric, budget.at_most) {
            (None, _) => Self::NotMeasured,
            (Some(metric), _) if metric.unit != budget.unit => Self::OtherUnit,
            (Some(_), None) => Self::NoBudget,
            (Some(metric), Some(most)) if metric.median <= most => Self::Kept,
            (Some(_), Some(_)) => Self::Exceeded,
        }
    }

    fn fails(self) -> bool {
        matches!(self, Self::Exceeded | Self::NotMeasured | Self::OtherUnit)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Exceeded => "EXCEEDED",
            Self::NotMeasured => "NOT MEASURED",
            Self::OtherUnit => "OTHER UNIT",
            Self::NoBudget => "",
        }
    }
}

/// The board that was asked for, or the first that has the system.
fn board_for(bench: &Bench, system: &str) -> anyhow::Result<Board> {
    if let Some(name) = &bench.board {
        return Board::find(name);
    }
    let usual = Board::find(DEFAULT_BOARD)?;
    let has = usual.systems()?.iter().any(|(name, _)| name == system);
    if has {
        Ok(usual)
    } else {
        Board::find(REFERENCE)
    }
}

/// Measures, prints and with `--check` judges.
pub(crate) fn bench(bench: &Bench, choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    let text = fs::read_to_string(workspace::root().join(BUDGETS))
        .with_context(|| format!("cannot read {BUDGETS}"))?;
    let budgets: Budgets = toml::from_str(&text).with_context(|| BUDGETS)?;
    let toolchain = Toolchain::find(choice)?;
    if bench.name == MACHINE {
        return bench_machine(bench, &budgets, &toolchain);
    }
    let system = format!("bench-{}", bench.name);
    let board = board_for(bench, &system)?;
    board.system(&system)?;
    emulator::prepare(&board)?;
    let mut metrics = Vec::new();
    for system in parts(&board, &system)? {
        match measure(&board, &system, &toolchain)? {
            Some(measured) => metrics.extend(measured),
            None => return Ok(Status::Failed),
        }
    }
    println!("board     {}", board.describe());
    println!("compiler  {}\n", toolchain.description());
    let (table, failed) = compare(&bench.name, &budgets, &metrics);
    print!("{table}\n{}", published(&bench.name, &budgets));
    Ok(judge(bench, failed))
}

/// The systems that measure something: `bench-NAME`, and `bench-NAME-PART` if there are any.
fn parts(board: &Board, system: &str) -> anyhow::Result<Vec<String>> {
    let names = board.systems()?.into_iter().map(|(name, _)| name);
    let is_part = |name: &str| {
        name.strip_prefix(system)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    Ok(names.filter(|name| is_part(name)).collect())
}

/// Boots one system and hands back what it measured; says why when there is nothing.
fn measure(
    board: &Board,
    system: &str,
    toolchain: &Toolchain,
) -> anyhow::Result<Option<Vec<Metric>>> {
    let built = system::build(toolchain, board.clone(), system)?;
    let limit = Duration::from_secs(built.board.facts.time_limit_s);
    let boot = Boot {
        board: &built.board,
        kernel: &built.kernel,
        image: &built.image,
        clock: Clock::Instructions,
    };
    let outcome = emulator::run(&boot, Some(limit), Watch::Silent)?;
    if !outcome.has_passed() {
        eprint!(
            "{}",
            verdict::explain(&outcome, &built.kernel, Watch::Silent)
        );
        println!("{system}: {}", outcome.ended);
        return Ok(None);
    }
    Ok(Some(outcome.report.metrics))
}

/// Compares the speed of the reference machine with that of Bochs as it comes.
fn bench_machine(
    bench: &Bench,
    budgets: &Budgets,
    toolchain: &Toolchain,
) -> anyhow::Result<Status> {
    let mut board = match &bench.board {
        Some(name) => Board::find(name)?,
        None => Board::find(REFERENCE)?,
    };
    if board.facts.bochs.is_none() {
        board = Board::find(REFERENCE)?;
    }
    let speeds = machine::measure(&board, toolchain)?;
    println!("board     {}\n", board.describe());
    let required: Vec<&Ratio> = budgets
        .ratio
        .iter()
        .filter(|r| r.bench == MACHINE)
        .collect();
    let (table, failed) = machine::compare(&speeds, &required);
    print!("{table}");
    Ok(judge(bench, failed))
}

/// The status, and with `--check` a line about what failed.
fn judge(bench: &Bench, failed: usize) -> Status {
    if !bench.check || failed == 0 {
        return Status::Done;
    }
    let what = format!("{failed} budgets exceeded or not measured");
    println!("\n{}", on_output().red(&what));
    Status::Failed
}

/// The measurements beside their budgets, and how many budgets are not kept.
fn compare(bench: &str, budgets: &Budgets, metrics: &[Metric]) -> (Table, usize) {
    let mut table = Table::with_headings([
        "", "min", "median", "max", "times", "unit", "at most", "aim", "seL4", "seL4 MCS", "",
    ]);
    let mut failed = 0;
    let known: Vec<&Budget> = budgets.budget.iter().filter(|b| b.bench == bench).collect();
    for budget in &known {
        let metric = metrics.iter().find(|metric| metric.name == budget.metric);
        let verdict = Verdict::of(budget, metric);
        failed += usize::from(verdict.fails());
        row(
            &mut table,
            &budget.what,
            &budget.unit,
            metric,
            Some(budget),
            verdict,
        );
    }
    let is_known = |metric: &&Metric| known.iter().any(|budget| budget.metric == metric.name);
    for metric in metrics.iter().filter(|metric| !is_known(metric)) {
        row(
            &mut table,
            &metric.name,
            &metric.unit,
            Some(metric),
            None,
            Verdict::NoBudget,
        );
    }
    (table, failed)
}

fn row(
    table: &mut Table,
    what: &str,
    unit: &str,
    metric: Option<&Metric>,
    budget: Option<&Budget>,
    verdict: Verdict,
) {
    let number = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    table.row([
        what.to_owned(),
        number(metric.map(|metric| metric.min)),
        number(metric.map(|metric| metric.median)),
        number(metric.map(|metric| metric.max)),
        number(metric.map(|metric| metric.count)),
        metric
            .map_or(unit, |metric| metric.unit.as_str())
            .to_owned(),
        number(budget.and_then(|budget| budget.at_most)),
        number(budget.and_then(|budget| budget.aim)),
        text(budget.and_then(|budget| budget.sel4.as_ref())),
        text(budget.and_then(|budget| budget.sel4_mcs.as_ref())),
        verdict.word().to_owned(),
    ]);
}

/// What others published.
fn published(bench: &str, budgets: &Budgets) -> Table {
    let mut table = Table::with_headings(["published", "value", "unit", "source"]);
    for figure in budgets
        .published
        .iter()
        .filter(|figure| figure.bench == bench)
    {
        let Published {
            system,
            value,
            unit,
            source,
            ..
        } = figure;
        table.row([system.clone(), value.clone(), unit.clone(), source.clone()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn metric(name: &str, median: u64) -> Metric {
        Metric {
            name: name.into(),
            unit: "instructions".into(),
            min: median - 1,
            median,
            max: median + 20,
            count: 100,
        }
    }

    const BUDGETS: &str = r#"
        published = []
        [[budget]]
        bench = "ipc"
        metric = "call"
        what = "call, fast path"
        unit = "instructions"
        at-most = 300
        aim = 200
        sel4-mcs = "228-249"
        [[budget]]
        bench = "ipc"
        metric = "wait"
        what = "wait"
        unit = "instructions"
        at-most = 250
        [[budget]]
        bench = "other"
        metric = "x"
        what = "x"
        unit = "x"
    "#;

    fn compared(metrics: &[Metric]) -> (String, usize) {
        let budgets = toml::from_str(BUDGETS).expect("well formed");
        let (table, failed) = compare("ipc", &budgets, metrics);
        (table.to_string(), failed)
    }

    #[test]
    fn measurements_stand_beside_their_budgets() {
        let (table, failed) =
            compared(&[metric("call", 300), metric("wait", 251), metric("extra", 7)]);
        assert_eq!(failed, 1);
        expect![[r#"
                             min  median  max  times  unit          at most  aim  seL4  seL4 MCS
            call, fast path  299     300  320    100  instructions      300  200         228-249  kept
            wait             250     251  271    100  instructions      250                       EXCEEDED
            extra              6       7   27    100  instructions
        "#]].assert_eq(&table);
    }

    #[test]
    fn a_budget_that_was_not_measured_or_in_another_unit_is_not_kept() {
        let other = Metric {
            unit: "cycles".into(),
            ..metric("call", 1)
        };
        let (table, failed) = compared(&[other]);
        assert_eq!(failed, 2);
        assert!(
            table.contains("OTHER UNIT") && table.contains("NOT MEASURED"),
            "{table}"
        );
    }

    #[test]
    fn the_repository_s_budgets_can_be_read() {
        let text = fs::read_to_string(workspace::root().join(super::BUDGETS)).expect("it exists");
        let budgets: Budgets = toml::from_str(&text).expect("well formed");
        assert!(budgets.budget.iter().any(|budget| budget.at_most.is_some()));
    }
}
