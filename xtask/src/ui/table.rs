//! Tables whose columns line up.

use std::fmt;

/// Rows of text under headings; columns that hold numbers are aligned right.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these headings.
    pub(crate) fn with_headings<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            rows: vec![headings.map(str::to_owned).to_vec()],
        }
    }

    /// Adds a row; a missing cell is left empty.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    fn cell(row: &[String], column: usize) -> &str {
        row.get(column).map_or("", String::as_str)
    }

    fn is_numeric(&self, column: usize) -> bool {
        self.rows.iter().skip(1).all(|row| {
            Self::cell(row, column)
                .chars()
                .all(|c| c.is_ascii_digit() || " .,-<=".contains(c))
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let lengths = self
                    .rows
                    .iter()
                    .map(|row| Self::cell(row, column).chars().count());
                lengths.max().unwrap_or(0)
            })
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, &width) in widths.iter().enumerate() {
                let text = Self::cell(row, column);
                if column > 0 {
                    line.push_str("  ");
                }
                line.push_str(&if self.is_numeric(column) {
                    format!("{text:>width$}")
                } else {
                    format!("{text:<width$}")
                });
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn numbers_line_up_on_the_right_and_words_on_the_left() {
        let mut table = Table::with_headings(["leg", "min", "unit"]);
        table.row(["call".into(), "199".into(), "instructions".into()]);
        table.row(["reply-receive".into(), "1200".into(), "instructions".into()]);
        expect![[r"
            leg             min  unit
            call            199  instructions
            reply-receive  1200  instructions
        "]]
        .assert_eq(&table.to_string());
    }
}
