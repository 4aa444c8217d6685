//! What the API asks of prescribing.

mod history;
mod issue;
mod read;
mod send;
mod templates;
mod way;
mod worklist;

use std::{sync::Arc, time::Duration};

use consilium_db::Db;

use crate::{pharmacy::Pharmacy, print::Printer};

pub use history::{diagnoses, running_prescriptions};
pub use send::pharmacy_facility;
pub(crate) use way::{CANCEL, DISPATCH, POLL, Report, follow};

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrescribingSettings {
    /// Where codes are checked, without a slash at the end; printed on paper.
    pub base_url: String,
    /// Days for which a prescription may be dispensed, the day of issue not counted.
    pub valid_days: u16,
    /// How long a pharmacy may take to answer one call.
    pub pharmacy_timeout: Duration,
    /// A prescription that could not be handed to its pharmacy for so long has failed.
    pub give_up_after: Duration,
    /// How often a pharmacy is asked where a prescription stands, beside what it reports of itself.
    pub poll_every: Duration,
    /// For how long it is asked.
    pub poll_for: Duration,
}

impl Default for PrescribingSettings {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            valid_days: 30,
            pharmacy_timeout: Duration::from_secs(30),
            give_up_after: Duration::from_secs(72 * 3600),
            poll_every: Duration::from_secs(10 * 60),
            poll_for: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// Prescriptions. Cheap to clone.
#[derive(Clone)]
pub struct Prescribing(Arc<Inner>);

pub(crate) struct Inner {
    pub db: Db,
    pub pharmacy: Arc<dyn Pharmacy>,
    pub settings: PrescribingSettings,
    printer: Printer,
}

impl Prescribing {
    /// Prescriptions over `db` that go to `pharmacy`.
    pub fn new(db: Db, pharmacy: Arc<dyn Pharmacy>, settings: PrescribingSettings) -> Self {
        Self(Arc::new(Inner { db, pharmacy, settings, printer: Printer::default() }))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}
