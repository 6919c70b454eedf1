//! `Jobs`: the handlers and schedules of a site's jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::job::{Job, Kind, OutsideWork, Work};
use crate::rhythm::Rhythm;
use crate::schedule::Periodic;
use base::error::{Code, Error, Result};

#[derive(Default)]
pub struct Jobs {
    pub(crate) kinds: BTreeMap<&'static str, Kind>,
    pub(crate) periodic: Vec<Periodic>,
    wrong: Vec<String>,
}

impl Jobs {
    /// Replaces the handler of a known kind.
    pub fn add<J: Job>(&mut self, work: impl Work<J>) {
        self.kinds.insert(J::KIND, Kind::inside(work));
    }

    pub fn add_outside<J: Job>(&mut self, work: impl OutsideWork<J>) {
        self.kinds.insert(J::KIND, Kind::outside(work));
    }

    /// Enqueues the job once per interval, on one node.
    pub fn every<J: Job>(&mut self, interval: impl TryInto<Duration>, job: &J) {
        let interval = interval.try_into().map_err(|_| "an interval is not negative".to_owned());
        self.periodically(interval.and_then(Rhythm::every), job);
    }

    /// Enqueues the job daily at this time in a time zone, on one node: `daily("03:30", "Europe/Vienna", &CleanUp)`.
    pub fn daily<J: Job>(&mut self, time: &str, zone: &str, job: &J) {
        self.periodically(Rhythm::daily(time, zone), job);
    }

    /// Returns an error if a declaration was invalid.
    pub fn check(&self) -> Result<()> {
        let undone = self.periodic.iter().filter(|periodic| !self.kinds.contains_key(periodic.kind));
        let undone = undone.map(|periodic| format!("the job `{}` is periodic, but has no handler", periodic.kind));
        let wrong: Vec<String> = self.wrong.iter().cloned().chain(undone).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::new(Code::BadRequest, wrong.join("; "))) }
    }

    fn periodically<J: Job>(&mut self, rhythm: Result<Rhythm, String>, job: &J) {
        let periodic = rhythm.and_then(|rhythm| Periodic::new(rhythm, job).map_err(|error| error.to_string()));
        match periodic {
            Ok(periodic) => {
                if self.periodic.iter().any(|known| known.kind == periodic.kind) {
                    self.wrong.push(format!("the job `{}` has two schedules: a kind can have only one", J::KIND));
                }
                self.periodic.push(periodic);
            }
            Err(why) => self.wrong.push(format!("the job `{}`: {why}", J::KIND)),
        }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
