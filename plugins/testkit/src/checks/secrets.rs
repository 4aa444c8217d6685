//! What was heard in all the checks before.

use super::{Bench, Outcome, all_of, nothing};
use crate::kinds;

pub(super) async fn kept(bench: &Bench<'_>) -> Outcome {
    if bench.ear.is_deaf() {
        return nothing("it has no secrets, or only short ones");
    }
    // Once more, for when this check runs alone.
    if let Ok(session) = bench.session(&bench.services()).await {
        let _ = kinds::story(&session, 1).await;
        session.end().await;
    }
    all_of(bench.ear.leaks())
}
