//! Many calls: side by side, again with the same key, across restarts, and for a long time.

use super::{Bench, Outcome, all_of, failed, nothing, passed};
use crate::{
    Verdict, kinds,
    session::{Session, Trouble},
};
use consilium_plugin_host::{CallError, Isolation};
use futures_util::{StreamExt as _, future::join_all, stream};
use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Side by side: more than run at once, fewer than wait.
const WIDE: usize = 24;
/// Side by side: as many as run at once.
const NARROW: usize = 8;

pub(super) async fn parallel(bench: &Bench<'_>) -> Outcome {
    const STORIES: u64 = 96;
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    // One alone first: what does not work alone says nothing about many.
    if let Err(trouble) = kinds::story(&session, 1).await {
        session.end().await;
        return bench.judge(&services, &trouble);
    }
    let stories = stream::iter(2..STORIES).map(|number| kinds::story(&session, number)).buffer_unordered(WIDE);
    let stories: Vec<_> = stories.collect().await;
    session.end().await;
    let mut problems: Vec<_> =
        stories.iter().filter_map(|story| story.as_ref().err()).map(Trouble::to_string).collect();
    let mut names: Vec<_> = stories.into_iter().filter_map(Result::ok).flatten().collect();
    names.sort();
    let shared = names.windows(2).filter(|pair| pair.first() == pair.last()).filter_map(|pair| pair.first());
    problems.extend(shared.map(|name| format!("two callers at the same time both got {name:?}")));
    all_of(problems)
}

pub(super) async fn same_key(bench: &Bench<'_>) -> Outcome {
    let services = bench.services();
    let mut rounds = Vec::new();
    let mut other = Vec::new();
    // The second process knows nothing but what the first one left in the store or at the provider.
    for _process in 0..2 {
        let session = match bench.session(&services).await {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        for _time in 0..2 {
            match kinds::effects(&session, 1).await {
                Ok(effects) => rounds.push(effects),
                Err(trouble) => {
                    session.end().await;
                    return bench.judge(&services, &trouble);
                }
            }
        }
        if other.is_empty() {
            other = kinds::effects(&session, 2).await.unwrap_or_default();
        }
        session.end().await;
    }
    let Some((first, again)) = rounds.split_first() else { return passed() };
    if first.is_empty() {
        return nothing("none of its calls has an effect that the kit knows");
    }
    let mut problems = Vec::new();
    for (round, when) in again.iter().zip(["the second time", "after a restart", "after a restart, the second time"]) {
        for (before, now) in first.iter().zip(round).filter(|(before, now)| before.left != now.left) {
            problems.push(format!("{}: with the same key first {}, {when} {}", before.method, before.left, now.left));
        }
    }
    for (one, two) in first.iter().zip(&other).filter(|(one, two)| one.distinct && one.left == two.left) {
        problems.push(format!("{}: two different keys share {}", one.method, two.left));
    }
    all_of(problems)
}

/// Replaces the plugin while calls run: each is answered. Then ends it while calls run: each is answered,
/// or refused because the plugin ends.
pub(super) async fn restart(bench: &Bench<'_>) -> Outcome {
    const SWAPS: u32 = 4;
    const FIRST: u64 = 1_000;
    /// What each instance serves at least before it is replaced, however slow the machine.
    const EACH: u64 = 48;
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    if let Err(trouble) = kinds::story(&session, 1).await {
        session.end().await;
        return bench.judge(&services, &trouble);
    }
    let next = AtomicU64::new(FIRST);
    let story = async || kinds::story(&session, next.fetch_add(1, Ordering::Relaxed)).await.err();
    let swapping = AtomicBool::new(true);
    let caller = async || {
        let mut troubles = Vec::new();
        while swapping.load(Ordering::Relaxed) {
            troubles.extend(story().await);
        }
        troubles
    };
    let swaps = async {
        let mut outcome = Ok(());
        for _ in 0..SWAPS {
            let enough = next.load(Ordering::Relaxed) + EACH;
            while next.load(Ordering::Relaxed) < enough {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            if outcome.is_ok() {
                outcome = session.swap().await;
            }
        }
        swapping.store(false, Ordering::Relaxed);
        outcome
    };
    let (troubles, swapped) = tokio::join!(join_all((0..NARROW).map(|_| caller())), swaps);
    let mut problems: Vec<_> = troubles.iter().flatten().map(|trouble| format!("replaced, {trouble}")).collect();
    problems.extend(swapped.err().map(|error| format!("it cannot be replaced while it serves: {error}")));
    let stories = stream::iter(0..4 * WIDE).map(|_| story()).buffer_unordered(WIDE);
    let stories = stories.filter_map(|trouble| async { trouble }).collect::<Vec<Trouble>>();
    let end = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        session.end().await
    };
    let (troubles, _) = tokio::join!(stories, end);
    let lost = troubles.iter().filter(|trouble| !matches!(trouble.error, Some(CallError::Stopped)));
    problems.extend(lost.map(|trouble| format!("ended, {trouble}")));
    all_of(problems)
}

/// Looks at the process's memory after as many calls again and again: a cache fills and stops, a leak goes on.
pub(super) async fn memory(bench: &Bench<'_>) -> Outcome {
    /// Growth that does not count, in KiB: the allocator's own.
    const NOISE_KIB: u64 = 256;
    /// Growth per call that is a leak, in bytes.
    const LEAK: u64 = 256;
    if bench.isolation == Isolation::InProcess {
        return nothing("memory is measured in a process of its own");
    }
    let services = bench.services();
    let session = match bench.session(&services).await {
        Ok(session) => session,
        Err(outcome) => return outcome,
    };
    if let Err(trouble) = kinds::story(&session, 1).await {
        session.end().await;
        return bench.judge(&services, &trouble);
    }
    let mut looks = Vec::new();
    for _look in 0..4 {
        calls(bench, &session).await;
        looks.push(session.resident_kib().await);
    }
    session.end().await;
    let Some(looks) = looks.into_iter().collect::<Option<Vec<_>>>() else {
        return (Verdict::Unproven, "its process's memory cannot be read here".to_owned());
    };
    let allowed = NOISE_KIB + u64::from(bench.memory_calls) * LEAK / 1024;
    // The first look only warms up. A leak grows every time; a cache, or the allocator, some time.
    let growths: Vec<_> =
        looks.windows(2).map(|pair| pair.last().unwrap_or(&0).saturating_sub(*pair.first().unwrap_or(&0))).collect();
    if growths.iter().all(|growth| *growth > allowed) {
        return failed(format!("KiB after each {} calls: {looks:?}", bench.memory_calls));
    }
    passed()
}

async fn calls(bench: &Bench<'_>, session: &Session) {
    let samples = bench.samples();
    let requests: Vec<_> = samples
        .into_iter()
        .filter_map(|sample| Some((sample.method, (sample.bytes)(session, sample.request).ok()?)))
        .collect();
    if requests.is_empty() {
        return;
    }
    let all = requests.iter().cycle().take(bench.memory_calls as usize);
    let sent = stream::iter(all).map(|(method, request)| session.send(method, request.clone()));
    sent.buffer_unordered(WIDE).for_each(|_| async {}).await;
}
