//! Reading the tables that `ctl` prints, as the demo checks them: rows as sets of words, whatever their order and however
//! wide the columns are.

use std::collections::BTreeSet;

/// The rows of a printed table, without its header.
#[derive(Clone, Debug)]
pub struct Rows(Vec<Vec<String>>);

impl Rows {
    /// Reads what a `list-…` command printed.
    #[must_use]
    pub fn read(printed: &str) -> Self {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        Self(printed.lines().skip(1).filter(|line| !line.trim().is_empty()).map(words).collect())
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// What is there, when it is not `wanted`.
    pub fn count(&self, wanted: usize) -> Result<(), String> {
        if self.0.len() == wanted { Ok(()) } else { Err(format!("{} rows, not {wanted}", self.0.len())) }
    }

    /// Whether some row is exactly these words; `*` stands for any one word.
    ///
    /// # Errors
    /// When no row is.
    pub fn has(&self, wanted: &[&str]) -> Result<(), String> {
        let fits = |row: &Vec<String>| {
            row.len() == wanted.len()
                && row.iter().zip(wanted).all(|(word, want)| *want == "*" || word == want)
        };
        if self.0.iter().any(fits) { Ok(()) } else { Err(format!("no row `{}`", wanted.join(" "))) }
    }

    /// That every row of an earlier list is still here, word for word.
    ///
    /// # Errors
    /// The first that is not.
    pub fn keeps(&self, earlier: &Self) -> Result<(), String> {
        match earlier.0.iter().find(|row| !self.0.contains(row)) {
            Some(lost) => Err(format!("no longer there: {}", lost.join(" "))),
            None => Ok(()),
        }
    }

    /// The machines on which `list-units` shows a unit, all of them active and running.
    ///
    /// # Errors
    /// When it is shown nowhere, or not as running.
    pub fn running(&self, unit: &str) -> Result<BTreeSet<String>, String> {
        let mut machines = BTreeSet::new();
        for row in self.0.iter().filter(|row| row.first().is_some_and(|name| name == unit)) {
            match row.as_slice() {
                [_, machine, active, sub] if active == "active" && sub == "running" => {
                    machines.insert(machine.clone());
                }
                other => return Err(other.join(" ")),
            }
        }
        if machines.is_empty() { Err(format!("{unit} is not in the list")) } else { Ok(machines) }
    }

    /// The one machine on which a unit runs.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn machine_of(&self, unit: &str) -> Result<String, String> {
        let machines = self.running(unit)?;
        match machines.first() {
            Some(only) if machines.len() == 1 => Ok(only.clone()),
            _ => Err(format!("{unit} runs on {} machines", machines.len())),
        }
    }

    /// That each of `units` runs on one machine, and no two on the same.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn apart(&self, units: &[&str]) -> Result<(), String> {
        let mut taken = BTreeSet::new();
        for unit in units {
            let machine = self.machine_of(unit)?;
            if !taken.insert(machine.clone()) {
                return Err(format!("{unit} shares {machine}"));
            }
        }
        Ok(())
    }

    /// That `follower` runs where `leader` does, and nowhere else.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn together(&self, follower: &str, leader: &str) -> Result<(), String> {
        let (one, other) = (self.machine_of(follower)?, self.machine_of(leader)?);
        if one == other { Ok(()) } else { Err(format!("{follower} on {one}, {leader} on {other}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "UNIT\t\t\tMACHINE\t\t\tACTIVE\tSUB\n\
        apache.1.service\t491586a6.../10.10.1.2\tactive\trunning\n\
        apache.2.service\t148a18ff.../10.10.1.1\tactive\trunning\n\
        datadog.service\t148a18ff.../10.10.1.1\tactive\trunning\n\
        datadog.service\t491586a6.../10.10.1.2\tactive\trunning\n\
        late.service\t491586a6.../10.10.1.2\tactivating\tstart\n";

    #[test]
    fn the_guides_list_says_what_runs_where() {
        let rows = Rows::read(GUIDE);
        assert_eq!(rows.apart(&["apache.1.service", "apache.2.service"]), Ok(()));
        assert_eq!(rows.machine_of("apache.1.service").unwrap(), "491586a6.../10.10.1.2");
        assert_eq!(rows.running("datadog.service").unwrap().len(), 2);
        assert!(rows.machine_of("datadog.service").unwrap_err().contains("2 machines"));
        assert!(rows.running("late.service").unwrap_err().contains("activating"));
        assert!(rows.running("missing.service").is_err());
    }

    #[test]
    fn a_list_that_only_grew_keeps_the_earlier_one() {
        let (whole, header_and_one) =
            (Rows::read(GUIDE), GUIDE.lines().take(2).collect::<Vec<_>>().join("\n"));
        assert_eq!(whole.keeps(&Rows::read(&header_and_one)), Ok(()));
        assert!(Rows::read(&header_and_one).keeps(&whole).unwrap_err().contains("apache.2.service"));
    }

    #[test]
    fn a_star_stands_for_one_word() {
        let rows =
            Rows::read("UNIT HASH DSTATE STATE TMACHINE\nglobal.service 8ff68b9 launched launched 3 of 3\n");
        assert_eq!(rows.has(&["global.service", "*", "launched", "launched", "3", "of", "3"]), Ok(()));
        assert!(rows.has(&["global.service", "*", "launched"]).is_err());
    }
}
