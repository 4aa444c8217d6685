//! This node's row, and what it sees of the others.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use consilium_db::{
    Db, Result,
    nodes::{self, Members, NewNode},
};
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY};
use consilium_runtime::Owner;
use uuid::Uuid;

use crate::{CLOCKS, ClusterSettings, LEASE, MARGIN, RENEW, view::View};

pub(crate) struct Membership {
    db: Db,
    me: NewNode,
    state: Mutex<State>,
    clock_agrees: AtomicBool,
    leaving: AtomicBool,
}

struct State {
    view: View,
    /// Who owned something when it was last looked.
    active: Vec<Uuid>,
    /// Grows with every change of `active`.
    number: u64,
}

impl State {
    /// Notes whether ownership has changed.
    fn look(&mut self, now: Instant) {
        if !self.view.active(now).eq(self.active.iter().copied()) {
            self.active = self.view.active(now).collect();
            self.number += 1;
            metrics::gauge!("consilium_cluster_nodes").set(self.active.len() as f64);
            tracing::info!(owners = ?self.active, "ownership has changed");
        }
    }
}

impl Membership {
    pub(crate) async fn join(db: Db, settings: &ClusterSettings) -> Result<Arc<Self>> {
        let me = NewNode {
            id: db.ids().next(),
            name: settings.name.clone(),
            address: settings.address.clone(),
            version: settings.version.clone(),
        };
        let state = State { view: View::outside(me.id), active: Vec::new(), number: 0 };
        let membership = Self {
            db,
            me,
            state: Mutex::new(state),
            clock_agrees: AtomicBool::new(true),
            leaving: AtomicBool::new(false),
        };
        membership.enter().await?;
        Ok(Arc::new(membership))
    }

    /// Renews until the process ends or leaves.
    pub(crate) async fn run(&self) {
        let mut every = tokio::time::interval(RENEW);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if self.leaving.load(Relaxed) {
                return;
            }
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "the membership of this node could not be renewed");
            }
            self.lock().look(Instant::now());
            metrics::gauge!("consilium_cluster_member").set(f64::from(u8::from(self.is_member())));
        }
    }

    async fn renew(&self) -> Result<()> {
        let (me, before) = (self.me.id, Instant::now());
        let agreed = self.clock_agrees();
        let seen = match agreed {
            true => self.db.write(&meta(), move |tx| nodes::renew(tx, me, LEASE)).await?,
            false => Some(self.db.read(nodes::members).await?),
        };
        let Some(members) = seen else {
            tracing::warn!(node = %me, "this node was gone for too long and joins anew");
            return self.enter().await;
        };
        self.see(&members, before);
        match (agreed, self.clock_agrees()) {
            (false, true) => self.enter().await,
            (true, false) => self.go().await,
            _ => Ok(()),
        }
    }

    async fn enter(&self) -> Result<()> {
        let (new, before) = (self.me.clone(), Instant::now());
        let members = self.db.write(&meta(), move |tx| nodes::join(tx, &new, LEASE)).await?;
        self.see(&members, before);
        tracing::info!(node = %self.me.id, others = members.nodes.len() - 1, "joined the cluster");
        Ok(())
    }

    fn see(&self, members: &Members, before: Instant) {
        let after = Instant::now();
        let apart = || self.db.clock().now().duration_since(members.now).unsigned_abs();
        let agrees = |apart| apart <= CLOCKS + after.duration_since(before);
        if !agrees(apart()) {
            self.db.clock().reset();
        }
        let apart = apart();
        let agrees = agrees(apart);
        if self.clock_agrees.swap(agrees, Relaxed) != agrees {
            match agrees {
                true => tracing::info!("this node's clock agrees with the database's again"),
                false => tracing::error!(?apart, "this node's clock is wrong: it owns nothing until it is set right"),
            }
        }
        let mut state = self.lock();
        // What changed since the last look, even if it is undone by what was read now.
        state.look(after);
        state.view = View::new(self.me.id, members, (before, after), MARGIN);
        if !agrees || self.leaving.load(Relaxed) {
            state.view.step_back();
        }
        state.look(after);
    }

    /// Takes this node's row away, so that the others take over.
    async fn go(&self) -> Result<()> {
        let me = self.me.id;
        self.db.write(&meta(), move |tx| nodes::leave(tx, me)).await.map(|_| ())
    }

    /// Owns nothing from now on, and is gone for the others.
    pub(crate) async fn leave(&self) {
        self.leaving.store(true, Relaxed);
        {
            let mut state = self.lock();
            state.view.step_back();
            state.look(Instant::now());
        }
        if let Err(error) = self.go().await {
            tracing::warn!(%error, "the others find out by themselves that this node has gone");
        }
    }

    pub(crate) fn owner(&self, kind: &str, id: &str) -> Owner {
        self.lock().view.owner(kind, id, Instant::now())
    }

    /// Grows whenever ownership has changed.
    pub(crate) fn number(&self) -> u64 {
        let mut state = self.lock();
        state.look(Instant::now());
        state.number
    }

    pub(crate) fn others(&self) -> Vec<Uuid> {
        self.lock().view.others(Instant::now()).collect()
    }

    /// This node.
    pub(crate) fn me(&self) -> Uuid {
        self.me.id
    }

    pub(crate) fn is_member(&self) -> bool {
        self.lock().view.is_member(Instant::now())
    }

    pub(crate) fn clock_agrees(&self) -> bool {
        self.clock_agrees.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn meta() -> CommandMeta {
    CommandMeta::system(DEFAULT_FACILITY, "cluster")
}
