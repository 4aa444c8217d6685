//! Work that stands in rows: what is due is done side by side, some at a time, each row by one task only. The rows say
//! what remains to be done, so that it goes on after a restart.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use consilium_db::Result;
use futures_util::FutureExt as _;
use tokio::{sync::Notify, task::JoinSet};

use crate::Shutdown;

/// A kind of work.
#[async_trait]
pub trait DueWork: Send + Sync + 'static {
    /// What is known of work that is due.
    type Due: Send + Sync + 'static;
    /// What tells one from the other.
    type Id: Copy + PartialEq + Send + 'static;
    /// Why something is not done.
    type Trouble: From<Panicked> + Send + 'static;
    /// For logs, in plural: "files".
    const NAME: &'static str;
    /// So many are worked on at the same time.
    const AT_ONCE: usize;

    /// Of which row it is.
    fn id(due: &Self::Due) -> Self::Id;
    /// Wakes the worker before its next tick.
    fn wake(&self) -> &Notify;
    /// What is due, the longest waiting first and `limit` at most, without those in `busy`.
    async fn due(&self, busy: Vec<Self::Id>, limit: i64) -> Result<Vec<Self::Due>>;
    /// Does it. Afterwards it is not due any more.
    async fn work(&self, due: &Self::Due) -> Result<(), Self::Trouble>;
    /// Sees to it that what could not be done is due later, or never.
    async fn settle(&self, due: &Self::Due, trouble: Self::Trouble);
}

/// The work ended in a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panicked;

/// Does what is due.
pub struct DueWorker<W: DueWork> {
    work: Arc<W>,
    running: JoinSet<W::Id>,
    busy: Vec<W::Id>,
}

impl<W: DueWork> DueWorker<W> {
    /// A worker that does this.
    pub fn new(work: W) -> Self {
        Self { work: Arc::new(work), running: JoinSet::new(), busy: Vec::new() }
    }

    /// Looks every `tick`, and when woken, until the server ends.
    pub async fn run(mut self, tick: Duration, mut shutdown: Shutdown) {
        loop {
            if let Err(error) = self.begin().await {
                tracing::warn!(%error, "due {} could not be looked for", W::NAME);
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(tick) => {}
                () = self.work.wake().notified() => {}
                Some(done) = self.running.join_next() => self.busy.retain(|id| Some(*id) != done.as_ref().ok().copied()),
            }
            if self.running.is_empty() {
                self.busy.clear();
            }
        }
    }

    /// Does everything that is due now; how much that was.
    pub async fn work_off(mut self) -> Result<usize> {
        let mut count = 0;
        loop {
            self.begin().await?;
            let Some(done) = self.running.join_next().await else { return Ok(count) };
            self.busy.retain(|id| Some(*id) != done.as_ref().ok().copied());
            count += 1;
        }
    }

    async fn begin(&mut self) -> Result<()> {
        let free = W::AT_ONCE.saturating_sub(self.running.len());
        if free == 0 {
            return Ok(());
        }
        for due in self.work.due(self.busy.clone(), i64::try_from(free).unwrap_or(1)).await? {
            let id = W::id(&due);
            self.busy.push(id);
            let work = self.work.clone();
            self.running.spawn(async move {
                // A panic, too, must not leave it where it is looked for at once again.
                let done = AssertUnwindSafe(work.work(&due)).catch_unwind().await;
                if let Err(trouble) = done.unwrap_or_else(|_| Err(Panicked.into())) {
                    work.settle(&due, trouble).await;
                }
                id
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What happens to numbers.
    #[derive(Default)]
    struct Numbers {
        waiting: Mutex<Vec<u32>>,
        running: Mutex<Vec<u32>>,
        most: Mutex<usize>,
        settled: Mutex<Vec<(u32, &'static str)>>,
        wake: Notify,
    }

    struct Why(&'static str);

    impl From<Panicked> for Why {
        fn from(_: Panicked) -> Self {
            Self("panicked")
        }
    }

    #[async_trait]
    impl DueWork for Arc<Numbers> {
        type Due = u32;
        type Id = u32;
        type Trouble = Why;
        const NAME: &'static str = "numbers";
        const AT_ONCE: usize = 2;

        fn id(due: &u32) -> u32 {
            *due
        }

        fn wake(&self) -> &Notify {
            &self.wake
        }

        async fn due(&self, busy: Vec<u32>, limit: i64) -> Result<Vec<u32>> {
            let waiting = self.waiting.lock().unwrap();
            let free = waiting.iter().copied().filter(|number| !busy.contains(number));
            Ok(free.take(usize::try_from(limit).unwrap()).collect())
        }

        async fn work(&self, due: &u32) -> Result<(), Why> {
            {
                let mut running = self.running.lock().unwrap();
                assert!(!running.contains(due), "one task per row");
                running.push(*due);
                let mut most = self.most.lock().unwrap();
                *most = running.len().max(*most);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.running.lock().unwrap().retain(|number| number != due);
            match due {
                3 => return Err(Why("no")),
                4 => panic!("on purpose"),
                _ => self.waiting.lock().unwrap().retain(|number| number != due),
            }
            Ok(())
        }

        async fn settle(&self, due: &u32, Why(why): Why) {
            self.waiting.lock().unwrap().retain(|number| number != due);
            self.settled.lock().unwrap().push((*due, why));
        }
    }

    #[actix_rt::test]
    async fn each_row_is_done_once_and_what_fails_or_panics_is_settled() {
        let numbers = Arc::new(Numbers { waiting: Mutex::new((1..=9).collect()), ..Numbers::default() });
        assert_eq!(DueWorker::new(numbers.clone()).work_off().await.unwrap(), 9);
        assert!(numbers.waiting.lock().unwrap().is_empty());
        assert_eq!(*numbers.most.lock().unwrap(), 2);
        let mut settled = numbers.settled.lock().unwrap().clone();
        settled.sort_unstable();
        assert_eq!(settled, [(3, "no"), (4, "panicked")]);
    }

    #[actix_rt::test]
    async fn it_is_woken_and_ends_with_the_server() {
        let (numbers, tasks) = (Arc::new(Numbers::default()), crate::Tasks::default());
        let worker = DueWorker::new(numbers.clone()).run(Duration::from_secs(3600), tasks.shutdown());
        tasks.spawn(worker);
        tokio::time::sleep(Duration::from_millis(20)).await;
        numbers.waiting.lock().unwrap().push(1);
        numbers.wake.notify_one();
        for _ in 0..500 {
            if numbers.waiting.lock().unwrap().is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(numbers.waiting.lock().unwrap().is_empty());
        tasks.finish(Duration::from_secs(5)).await;
    }
}
