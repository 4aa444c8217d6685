//! One request at a time writes to an upload. A newer one takes over: the older is mostly a connection that is gone, and
//! that nobody has noticed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::{OwnedMutexGuard, watch};

use crate::model::FileId;

/// How long the older one may take to put away what it has.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is at which upload.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<FileId, Weak<Turn>>>);

struct Turn {
    alone: Arc<tokio::sync::Mutex<()>>,
    newest: watch::Sender<u64>,
}

/// Held by whoever writes.
pub struct MyTurn {
    _alone: OwnedMutexGuard<()>,
    _turn: Arc<Turn>,
    newest: watch::Receiver<u64>,
    mine: u64,
}

impl Turns {
    /// Waits until whoever is there has ended; `None` when that takes too long.
    pub async fn take(&self, id: FileId) -> Option<MyTurn> {
        let turn = self.of(id);
        let mut mine = 0;
        turn.newest.send_modify(|newest| {
            *newest += 1;
            mine = *newest;
        });
        let newest = turn.newest.subscribe();
        let alone = tokio::time::timeout(PATIENCE, turn.alone.clone().lock_owned()).await.ok()?;
        Some(MyTurn { _alone: alone, _turn: turn, newest, mine })
    }

    fn of(&self, id: FileId) -> Arc<Turn> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        turns.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let turn = Arc::new(Turn { alone: Arc::default(), newest: watch::Sender::new(0) });
            turns.insert(id, Arc::downgrade(&turn));
            turn
        })
    }
}

impl MyTurn {
    /// Somebody newer waits.
    pub async fn overtaken(&mut self) {
        let mine = self.mine;
        let _ = self.newest.wait_for(|newest| *newest != mine).await;
    }
}
