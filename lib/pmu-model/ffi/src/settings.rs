//! What the emulated machine has, from a line of text.

use std::fmt;
use std::str::FromStr;

use pmu_model::{Config, Ratio};

/// What `BATON_PMU` says: words of the form `key=value`, separated by blanks.
///
/// | key | value | default |
/// |---|---|---|
/// | `processor` | `sapphire_rapids` or `skylake_x`; must come first | none |
/// | `topdown_slots` | `yes`: there is a fixed counter 3 | `no` |
/// | `pmi_delay` | instructions between an overflow and its interrupt: 0 to 255 | 0 |
/// | `reference_ratio` | reference cycles in so many core cycles, as `2/3` | `1/1` |
/// | `save_on_exit` | `yes`: a VM exit can save GLOBAL_CTRL | `no` |
/// | `hertz` | the TSC's and the local APIC timer's frequency | 1000000000 |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The processor's counters.
    pub config: Config,
    /// The VM-exit control "save IA32_PERF_GLOBAL_CTRL" exists.
    pub save_on_exit: bool,
    /// Frequency of the TSC and of the local APIC timer, in hertz.
    pub hertz: u32,
}

/// What is wrong with a line of settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint(String);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Complaint {}

impl FromStr for Settings {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let mut words = text.split_whitespace();
        let config = match words.next() {
            Some("processor=sapphire_rapids") => Config::sapphire_rapids(),
            Some("processor=skylake_x") => Config::skylake_x(),
            Some(other) => {
                return Err(Complaint(format!(
                    "starts with `{other}`, not with `processor=sapphire_rapids` or \
                     `processor=skylake_x`"
                )));
            }
            None => return Err(Complaint("is empty; it must name a processor".into())),
        };
        let mut settings = Self {
            config,
            save_on_exit: false,
            hertz: 1_000_000_000,
        };
        for word in words {
            settings.apply(word)?;
        }
        settings
            .config
            .check()
            .map_err(|error| Complaint(error.to_string()))?;
        Ok(settings)
    }
}

impl Settings {
    fn apply(&mut self, word: &str) -> Result<(), Complaint> {
        let wrong = |wants: &str| Complaint(format!("`{word}` is not {wants}"));
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| wrong("of the form key=value"))?;
        match key {
            "topdown_slots" => {
                if yes_or_no(value).ok_or_else(|| wrong("yes or no"))? {
                    self.config = self.config.with_topdown_slots();
                }
            }
            "pmi_delay" => {
                self.config.pmi_delay =
                    value.parse().map_err(|_| wrong("a number from 0 to 255"))?;
            }
            "reference_ratio" => {
                self.config.reference_ratio =
                    ratio(value).ok_or_else(|| wrong("of the form 2/3"))?;
            }
            "save_on_exit" => {
                self.save_on_exit = yes_or_no(value).ok_or_else(|| wrong("yes or no"))?;
            }
            "hertz" => {
                self.hertz = value.parse().map_err(|_| wrong("a number of hertz"))?;
            }
            _ => return Err(wrong("a setting that exists")),
        }
        Ok(())
    }
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn ratio(value: &str) -> Option<Ratio> {
    let (reference, core) = value.split_once('/')?;
    Some(Ratio {
        reference: reference.parse().ok()?,
        core: core.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reaches_its_field() {
        let text = "processor=sapphire_rapids topdown_slots=yes pmi_delay=255 \
                    reference_ratio=2/3 save_on_exit=yes hertz=2000000000";
        let settings: Settings = text.parse().expect("all are valid");
        let config = Config::sapphire_rapids()
            .with_topdown_slots()
            .with_pmi_delay(255)
            .with_reference_ratio(Ratio {
                reference: 2,
                core: 3,
            });
        assert_eq!(
            settings,
            Settings {
                config,
                save_on_exit: true,
                hertz: 2_000_000_000
            }
        );
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let settings: Settings = "processor=skylake_x".parse().expect("the shortest line");
        assert_eq!(settings.config, Config::skylake_x());
        assert_eq!(
            (settings.save_on_exit, settings.hertz),
            (false, 1_000_000_000)
        );
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (text, want) in [
            ("", "is empty; it must name a processor"),
            (
                "pmi_delay=1",
                "starts with `pmi_delay=1`, not with `processor=sapphire_rapids` or \
                 `processor=skylake_x`",
            ),
            (
                "processor=skylake_x fast",
                "`fast` is not of the form key=value",
            ),
            (
                "processor=skylake_x speed=2",
                "`speed=2` is not a setting that exists",
            ),
            (
                "processor=skylake_x pmi_delay=256",
                "`pmi_delay=256` is not a number from 0 to 255",
            ),
            (
                "processor=skylake_x save_on_exit=1",
                "`save_on_exit=1` is not yes or no",
            ),
            (
                "processor=skylake_x reference_ratio=2",
                "`reference_ratio=2` is not of the form 2/3",
            ),
            (
                "processor=skylake_x reference_ratio=0/1",
                "the reference ratio has a zero",
            ),
        ] {
            let complaint = text.parse::<Settings>().expect_err(text);
            assert_eq!(complaint.to_string(), want);
        }
    }
}
