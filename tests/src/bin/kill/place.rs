//! Where what must survive lies: a database of its own, on a disk that can lose its power or not.

use std::{path::PathBuf, time::Duration};

use consilium_tests::{app::Backend, deployment::Deployment};

use crate::{disk::Disk, postgres::Postgres};

/// How long the server goes on when its disk is full.
const FULL: Duration = Duration::from_millis(500);
/// How long the server goes on when its disk is gone.
const WITHOUT_POWER: Duration = Duration::from_millis(300);

/// The place; what it stands on goes last.
pub struct Place {
    backend: Backend,
    /// On the disk; without a disk tests have one that runs on.
    postgres: Option<Postgres>,
    disk: Option<Disk>,
}

impl Place {
    /// One that stays as it is.
    pub fn safe(backend: Backend) -> Self {
        Self { backend, postgres: None, disk: None }
    }

    /// One whose power is cut at every kill, after its disk was full for a while. Needs root.
    pub fn without_power(backend: Backend) -> Self {
        let disk = Disk::new();
        let postgres = matches!(backend, Backend::Postgres).then(|| Postgres::below(&disk.mounted()));
        Self { backend, postgres, disk: Some(disk) }
    }

    /// A deployment of this server in it.
    pub fn deployment(&self, server: PathBuf) -> Deployment {
        match (&self.disk, &self.postgres) {
            (None, _) => Deployment::of(server, self.backend),
            (Some(disk), None) => Deployment::below(&disk.mounted(), server, self.backend),
            (Some(disk), Some(postgres)) => Deployment::on(&disk.mounted(), server, postgres.url()),
        }
    }

    /// What was done so far survives.
    pub fn flush(&self) {
        self.disk.iter().for_each(Disk::flush);
    }

    /// From now on PostgreSQL does not wait for the disk.
    pub fn flush_nothing(&mut self) {
        let postgres = self.postgres.as_mut().expect("there is a PostgreSQL server");
        postgres.flush_nothing();
        postgres.kill();
        postgres.start();
    }

    /// Cuts the power, if that can be, after the disk was full; `moment` is how long the server works after that.
    pub async fn lose_power(&mut self, moment: Duration) {
        let Some(disk) = &mut self.disk else { return };
        disk.fill();
        tokio::time::sleep(FULL).await;
        disk.make_room();
        tokio::time::sleep(moment).await;
        disk.cut();
        tokio::time::sleep(WITHOUT_POWER).await;
    }

    /// Starts everything again that has lost its power. Whoever had files there must have ended.
    pub fn restart(&mut self) {
        let Some(disk) = &mut self.disk else { return };
        self.postgres.iter_mut().for_each(Postgres::kill);
        disk.restart();
        self.postgres.iter_mut().for_each(Postgres::start);
    }
}
