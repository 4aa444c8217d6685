//! Threads for one plugin's calls: made when needed, kept for the next call. How many there can be
//! is bounded by the supervisor, which lets only so many calls run; a thread whose call never
//! returns is simply not among the idle ones.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

type Job = Box<dyn FnOnce() + Send>;

/// A growing set of worker threads.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
}

impl Pool {
    /// Runs the job on an idle thread or a new one.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.queue();
        queue.jobs.push_back(Box::new(job));
        if queue.idle >= queue.jobs.len() {
            self.0.wake.notify_one();
            return;
        }
        drop(queue);
        let pool = self.clone();
        // When the machine gives no more threads, the job waits for one that becomes idle.
        let _ = thread::Builder::new().name("plugin-call".to_owned()).spawn(move || pool.work());
    }

    fn work(&self) {
        const KEEP: Duration = Duration::from_secs(30);
        let mut queue = self.queue();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                job();
                queue = self.queue();
                continue;
            }
            queue.idle += 1;
            let (woken, waited) = self.0.wake.wait_timeout(queue, KEEP).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            queue.idle -= 1;
            if waited.timed_out() && queue.jobs.is_empty() {
                return;
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Barrier, mpsc};

    #[test]
    fn jobs_that_wait_for_each_other_all_run() {
        let pool = Pool::default();
        let (done, finished) = mpsc::channel();
        for _ in 0..50 {
            let barrier = Arc::new(Barrier::new(4));
            for _ in 0..4 {
                let (barrier, done) = (Arc::clone(&barrier), done.clone());
                pool.run(move || {
                    barrier.wait();
                    done.send(()).unwrap();
                });
            }
        }
        for _ in 0..200 {
            finished.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    }
}
