//! One run: what happens around each kill, and how everything comes to rest in the end.

use std::{path::PathBuf, time::Duration};

use consilium_kernel::Timestamp;
use consilium_tests::{
    deployment::{Deployment, Server},
    smtp::SmtpServer,
};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::{
    check,
    ledger::Ledger,
    load::Crowd,
    mail::{self, Due, Kill, Mailbag},
    place::Place,
    random,
};

/// Minutes beyond one per kill for which reminders are prepared.
const SPARE_MINUTES: usize = 10;
/// Longer than a mail stays in the hands of a server that died, by its clock.
const CLAIM: SignedDuration = SignedDuration::from_secs(120);
/// How long nothing that is missing may come before all of it has.
const REST: Duration = Duration::from_secs(60);

/// Everything that lives as long as the run.
pub struct Run {
    deployment: Deployment,
    /// Where it lies.
    place: Place,
    smtp: SmtpServer,
    ledger: Ledger,
    server: Option<Server>,
    crowd: Option<Crowd>,
    kills: Vec<Kill>,
    /// What is only late must not count as lost.
    patience: Duration,
    /// How long it took, last time, from starting the server to the load.
    preparing: SignedDuration,
    /// When the server is killed after the load began.
    moment: Duration,
    totals: (usize, usize),
    /// What was found so far.
    pub lost: Vec<String>,
}

/// How it ended.
pub struct Ended {
    pub lost: Vec<String>,
    pub odd: Vec<String>,
    pub summary: String,
    /// Nothing was in flight, or nothing acknowledged, or nobody was reminded.
    pub without_load: bool,
}

impl Run {
    /// Registers everybody at `server`, which `faulty` then takes over from.
    pub async fn prepare(server: PathBuf, place: Place, rounds: usize, faulty: Option<PathBuf>) -> Self {
        let smtp = SmtpServer::start().await;
        let mut deployment = place.deployment(server);
        deployment.set("SMTP__URL", &smtp.url());
        deployment.set("SMTP__TIMEOUT_SECONDS", "10");
        // The clock is moved on by nearly a minute a kill: nobody's appointment is over before the run is.
        deployment.set("SCHEDULING__NO_SHOW_MINUTES", "1440");
        // The clock moves by days: notices of waiting messages would come, whose number depends on who reads when.
        deployment.set("MESSAGES__NOTIFY_AFTER_SECONDS", "31536000");
        let ledger = Ledger::default();
        let first = deployment.serve().await;
        let crowd = Crowd::gather(&first.client, &ledger, rounds + SPARE_MINUTES).await;
        first.stop().await;
        place.flush();
        let patience = if faulty.is_some() { Duration::from_secs(2) } else { Duration::ZERO };
        deployment.server = faulty.unwrap_or(deployment.server);
        let mut run = Self {
            deployment,
            place,
            smtp,
            ledger,
            server: None,
            crowd: Some(crowd),
            kills: Vec::new(),
            patience,
            preparing: SignedDuration::from_secs(2),
            moment: Duration::ZERO,
            totals: (0, 0),
            lost: Vec::new(),
        };
        run.start_before_the_next_minute().await;
        run
    }

    /// Kills the server under load, starts it again and looks at what it had acknowledged.
    pub async fn kill(&mut self) -> String {
        let (mut server, crowd) = (self.server.take().expect("it runs"), self.crowd.take().expect("they are there"));
        self.ledger.begin();
        let moment = self.moment;
        let killer = async {
            tokio::time::sleep(moment).await;
            self.place.lose_power(moment).await;
            server.kill().await;
        };
        tokio::join!(crowd.work(&self.ledger), killer);
        self.place.restart();
        let killed_at = self.ledger.now();
        let ledger = &self.ledger;
        let (unanswered, answered, summary) = (ledger.in_flight(), ledger.acknowledged(), ledger.summary());
        self.totals = (self.totals.0 + unanswered, self.totals.1 + answered);
        let in_hand = check::in_hand(&self.deployment.database);
        self.lost.extend(self.deployment.verify_audit());
        // What the server had sent has been read by now.
        let arrived = self.smtp.arrived();
        let came = arrived - self.kills.last().map_or(0, |kill| kill.arrived);
        let told = format!(
            "{came} mails, {} in hand, {:+.1} s after reminders were due",
            in_hand.len(),
            since_minute(killed_at)
        );
        self.kills.push(Kill { arrived, in_hand });

        self.crowd = Some(crowd);
        self.start_before_the_next_minute().await;
        format!(
            "after {:>4} ms: {unanswered:>2} in flight, {answered:>4} acknowledged ({summary}), {told}, {} lost",
            moment.as_millis(),
            self.lost.len()
        )
    }

    /// Starts the server so far ahead that reminders fall due within the second and a half before the next kill, and
    /// settles what was in flight.
    async fn start_before_the_next_minute(&mut self) {
        self.moment = Duration::from_millis(300 + random() % 2_700);
        let before = SignedDuration::from_millis((random() % 1_500) as i64);
        let moment = SignedDuration::try_from(self.moment).expect("a few seconds");
        let due_at = self.deployment.now() + self.preparing + moment - before;
        let crowd = self.crowd.take().expect("they are there");
        let into_minute = SignedDuration::from_millis(due_at.as_millisecond().rem_euclid(60_000));
        let to_minute = SignedDuration::from_secs(60) - into_minute;
        let to_first = crowd.reminded.first.duration_since(due_at);
        self.deployment.jump(to_minute.max(to_first));
        self.ledger.ahead.set(self.deployment.ahead());

        let began = Instant::now();
        let server = self.deployment.serve().await;
        let crowd = crowd.again(&server.client).await;
        tokio::time::sleep(self.patience).await;
        self.lost.extend(crowd.settle(&self.ledger).await);
        tokio::time::sleep(self.patience).await;
        self.lost.extend(check::all(&crowd, &self.ledger, self.ledger.touched()).await);
        self.preparing = SignedDuration::try_from(began.elapsed()).expect("some seconds");
        (self.server, self.crowd) = (Some(server), Some(crowd));
    }

    /// Lets everything come to rest and looks at all of it.
    pub async fn settle(mut self) -> Ended {
        let crowd = self.crowd.take().expect("they are there");
        let mut mailbag = Mailbag::default();
        self.server.take().expect("it runs").stop().await;
        if self.lost.is_empty() {
            // A server that died has mails in hand that nobody else may touch before they are given up for lost.
            self.deployment.jump(CLAIM);
            let server = self.deployment.serve().await;
            let crowd = crowd.again(&server.client).await;
            self.lost.extend(check::all(&crowd, &self.ledger, self.ledger.everything()).await);
            let due = self.rest(&crowd, &mut mailbag).await;
            server.stop().await;
            self.lost.extend(mail::judge(&mailbag, &due, &self.kills));
        }
        self.lost.extend(check::tables(&self.deployment.database));
        self.lost.extend(self.deployment.verify_audit());
        let reminded = mailbag.count("reminder_24h") + mailbag.count("reminder_1h");
        let summary = format!(
            "{} operations in flight, {} acknowledged; {} mails, of which {} sent again after a kill and {reminded} reminders",
            self.totals.0,
            self.totals.1,
            mailbag.seen.len(),
            mailbag.repeats(),
        );
        let without_load = self.totals.0 == 0 || self.totals.1 == 0 || reminded == 0;
        Ended { odd: self.ledger.oddities(), lost: self.lost, summary, without_load }
    }

    /// Waits until nothing more is to be sent, and what must have come has, and a little longer for what must not.
    async fn rest(&self, crowd: &Crowd, mailbag: &mut Mailbag) -> Due {
        let settled = self.deployment.now();
        let (mut deadline, mut fewest) = (Instant::now() + REST, usize::MAX);
        let consultations = self.ledger.consultations();
        let mut quiet = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            mailbag.read(self.smtp.mails_after(mailbag.seen.len() + mailbag.unreadable.len()), &consultations);
            let due = Due::of(&self.ledger, crowd, settled, self.deployment.now());
            let missing = due.missing(mailbag).len();
            if missing < fewest {
                (fewest, deadline) = (missing, Instant::now() + REST); // after many rounds much waits
            }
            let at_rest = check::unsent(&self.deployment.database) == 0 && missing == 0;
            quiet = if at_rest { quiet + 1 } else { 0 };
            if quiet > 4 || Instant::now() > deadline {
                return due;
            }
        }
    }
}

/// Seconds since the nearest full minute; less than none before it.
fn since_minute(instant: Timestamp) -> f64 {
    ((instant.as_millisecond() + 30_000).rem_euclid(60_000) - 30_000) as f64 / 1_000.0
}
