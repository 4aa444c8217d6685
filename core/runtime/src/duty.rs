//! Work that one node at a time does.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    placement::{Owner, Placement},
    tasks::{Shutdown, Tasks},
};

/// How often a node looks whether a duty has become or ceased to be its own.
const LOOK: Duration = Duration::from_millis(200);

/// A piece of background work, named, that belongs to one node at a time as an entity does.
#[derive(Clone)]
pub struct Duties {
    placement: Arc<dyn Placement>,
}

impl Duties {
    /// Duties spread over the nodes by `placement`.
    pub fn new(placement: Arc<dyn Placement>) -> Self {
        Self { placement }
    }

    /// Whether this node has the duty at this moment.
    pub fn is_ours(&self, duty: &str) -> bool {
        self.placement.owner("duty", duty) == Owner::Here
    }

    /// Runs what `work` makes whenever the duty is this node's: begins when it comes, and tells the work to end when
    /// it goes, as if the server ended. Other nodes begin only after this one has had a second to end.
    pub fn run<W>(&self, tasks: &Tasks, duty: &'static str, work: impl Fn(Shutdown) -> W + 'static)
    where
        W: Future<Output = ()> + 'static,
    {
        let (duties, mut shutdown) = (self.clone(), tasks.shutdown());
        tasks.spawn(async move {
            while duties.comes(duty, &mut shutdown).await {
                tracing::debug!(duty, "begins");
                let ending = watch::Sender::new(false);
                let mut running = std::pin::pin!(work(Shutdown::of(&ending)));
                tokio::select! {
                    () = &mut running => return,
                    () = duties.goes(duty, &mut shutdown) => {}
                }
                ending.send_replace(true);
                running.await;
                tracing::debug!(duty, "ends");
            }
        });
    }

    /// False when the server ends meanwhile.
    async fn comes(&self, duty: &str, shutdown: &mut Shutdown) -> bool {
        while !self.is_ours(duty) {
            if !shutdown.sleep(LOOK).await {
                return false;
            }
        }
        !shutdown.is_requested()
    }

    async fn goes(&self, duty: &str, shutdown: &mut Shutdown) {
        while self.is_ours(duty) && shutdown.sleep(LOOK).await {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Moving(AtomicBool);

    impl Placement for Moving {
        fn owner(&self, _: &str, _: &str) -> Owner {
            if self.0.load(SeqCst) { Owner::Here } else { Owner::Nobody }
        }
    }

    async fn until(condition: impl Fn() -> bool) {
        for _ in 0..500 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not come");
    }

    #[actix_rt::test]
    async fn work_runs_while_the_duty_is_ours_and_ends_with_the_server() {
        let (moving, tasks) = (Arc::new(Moving::default()), Tasks::default());
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (begun.clone(), ended.clone());
        Duties::new(moving.clone()).run(&tasks, "counting", move |mut shutdown| {
            let (begun, ended) = counts.clone();
            async move {
                begun.fetch_add(1, SeqCst);
                shutdown.requested().await;
                ended.fetch_add(1, SeqCst);
            }
        });
        tokio::time::sleep(LOOK * 2).await;
        assert_eq!(begun.load(SeqCst), 0, "it is not ours yet");
        for round in 1..=2 {
            moving.0.store(true, SeqCst);
            until(|| begun.load(SeqCst) == round).await;
            assert_eq!(ended.load(SeqCst), round - 1);
            moving.0.store(false, SeqCst);
            until(|| ended.load(SeqCst) == round).await;
        }
        moving.0.store(true, SeqCst);
        until(|| begun.load(SeqCst) == 3).await;
        tasks.finish(Duration::from_secs(5)).await;
        assert_eq!(ended.load(SeqCst), 3);
    }
}
