//! Who owns what, as one node sees it: a matter of who is there and what time it is.

use std::time::{Duration, Instant};

use consilium_db::nodes::Members;
use consilium_kernel::Timestamp;
use consilium_runtime::Owner;
use ring::digest;
use uuid::Uuid;

use crate::LEASE;

/// The nodes as they were last read, by this node's own steady clock.
///
/// Reading takes time, so an instant of the database lies between two of ours. Whatever lets somebody own is taken
/// late and whatever ends it early, so that no two nodes own the same at once: a node stops before its row expires,
/// and the others begin after; a newcomer begins after its hour has come, and the others stop before.
#[derive(Debug, Clone)]
pub(crate) struct View {
    me: Uuid,
    /// What is seen is true until then, unless it is read anew.
    until: Instant,
    nodes: Vec<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    id: Uuid,
    from: Instant,
    until: Instant,
}

impl View {
    /// What `me` sees between `before` and `after`, the instants around reading `members`. It stops owning `margin`
    /// before its row expires, so that what has begun can end.
    pub(crate) fn new(me: Uuid, members: &Members, (before, after): (Instant, Instant), margin: Duration) -> Self {
        let seen = |node: &consilium_db::nodes::Node| {
            let from = ahead(members.now, node.owns_from);
            let until = ahead(members.now, node.expires_at);
            Seen { id: node.id, from: if node.id == me { after } else { before } + from, until: after + until }
        };
        let own = members.nodes.iter().find(|node| node.id == me);
        let left = own.map_or(LEASE, |own| ahead(members.now, own.expires_at));
        Self { me, until: before + left.saturating_sub(margin), nodes: members.nodes.iter().map(seen).collect() }
    }

    /// A node that belongs to nothing.
    pub(crate) fn outside(me: Uuid) -> Self {
        Self { me, until: Instant::now(), nodes: Vec::new() }
    }

    /// Whether this node is one of those that own, or soon will.
    pub(crate) fn is_member(&self, now: Instant) -> bool {
        now < self.until && self.nodes.iter().any(|node| node.id == self.me)
    }

    /// This node is none of them any more, from now on.
    pub(crate) fn step_back(&mut self) {
        self.nodes.retain(|node| node.id != self.me);
    }

    /// Those who own something now; nobody, as far as this node knows, when it has not looked for too long.
    pub(crate) fn active(&self, now: Instant) -> impl Iterator<Item = Uuid> {
        let fresh = now < self.until;
        let there = self.nodes.iter().filter(move |node| fresh && node.from <= now && now < node.until);
        there.map(|node| node.id)
    }

    /// The other nodes, whether they own something yet or not.
    pub(crate) fn others(&self, now: Instant) -> impl Iterator<Item = Uuid> {
        let there = self.nodes.iter().filter(move |node| node.id != self.me && now < node.until);
        there.map(|node| node.id)
    }

    /// The owner of an entity, by rendezvous hashing: when a node goes, only what it owned moves.
    pub(crate) fn owner(&self, kind: &str, id: &str, now: Instant) -> Owner {
        match self.active(now).max_by_key(|node| weight(*node, kind, id)) {
            Some(node) if node == self.me => Owner::Here,
            Some(node) => Owner::Node(node),
            None => Owner::Nobody,
        }
    }
}

fn ahead(now: Timestamp, then: Timestamp) -> Duration {
    then.duration_since(now).try_into().unwrap_or_default()
}

/// Must never change: nodes of different versions have to agree.
fn weight(node: Uuid, kind: &str, id: &str) -> [u8; 8] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [node.as_bytes().as_slice(), kind.as_bytes(), &[0], id.as_bytes()] {
        context.update(part);
    }
    context.finish().as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use consilium_db::nodes::Node;
    use proptest::prelude::*;

    use super::*;

    const MARGIN: Duration = Duration::from_secs(1);

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn node(number: u128, owns_from: i64, expires_at: i64) -> Node {
        let at = |second| Timestamp::from_second(1_780_000_000 + second).unwrap();
        Node {
            id: id(number),
            name: String::new(),
            address: String::new(),
            version: String::new(),
            joined_at: at(0),
            owns_from: at(owns_from),
            expires_at: at(expires_at),
        }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Read in no time at second 10 of the database.
    fn seen_by(me: u128, nodes: Vec<Node>) -> (View, Instant) {
        let now = Instant::now();
        let members = Members { now: Timestamp::from_second(1_780_000_010).unwrap(), nodes };
        (View::new(id(me), &members, (now, now), MARGIN), now)
    }

    #[test]
    fn a_node_stops_before_its_row_expires_and_others_begin_after() {
        let nodes = vec![node(1, 0, 15), node(2, 0, 40)];
        let (first, now) = seen_by(1, nodes.clone());
        let (second, there) = seen_by(2, nodes);
        let owned = (0..100).map(|n| n.to_string()).find(|e| first.owner("room", e, now) == Owner::Here).unwrap();
        assert_eq!(first.owner("room", &owned, now + seconds(3)), Owner::Here);
        assert_eq!(first.owner("room", &owned, now + seconds(4)), Owner::Nobody);
        assert_eq!(second.owner("room", &owned, there + Duration::from_millis(4_999)), Owner::Node(id(1)));
        assert_eq!(second.owner("room", &owned, there + seconds(5)), Owner::Here);
    }

    #[test]
    fn a_newcomer_owns_nothing_until_its_hour_has_come() {
        let (old, now) = seen_by(1, vec![node(1, 0, 30), node(2, 15, 30)]);
        let (new, there) = seen_by(2, vec![node(1, 0, 30), node(2, 15, 30)]);
        for entity in (0..50).map(|n| n.to_string()) {
            assert_eq!(old.owner("room", &entity, now), Owner::Here);
            assert_eq!(new.owner("room", &entity, there), Owner::Node(id(1)), "it forwards already");
            let (later, then) = (now + seconds(5), there + seconds(5));
            let agree = (old.owner("room", &entity, later), new.owner("room", &entity, then));
            assert!(matches!(agree, (Owner::Here, Owner::Node(_)) | (Owner::Node(_), Owner::Here)), "{agree:?}");
        }
    }

    #[test]
    fn reading_that_took_long_makes_nobody_own_too_much() {
        let (before, after) = (Instant::now(), Instant::now() + seconds(2));
        let members = Members {
            now: Timestamp::from_second(1_780_000_010).unwrap(),
            nodes: vec![node(1, 12, 15), node(2, 12, 15)],
        };
        let view = View::new(id(1), &members, (before, after), MARGIN);
        assert_eq!(
            view.active(before + seconds(2)).collect::<Vec<_>>(),
            [id(2)],
            "the other may own, this one not yet"
        );
        assert!(!view.is_member(before + seconds(4)));
    }

    #[test]
    fn who_is_not_a_member_owns_nothing_and_forwards_while_it_knows_to_whom() {
        let (mut view, now) = seen_by(1, vec![node(1, 0, 15), node(2, 0, 30)]);
        view.step_back();
        assert!(!view.is_member(now));
        for entity in (0..20).map(|n| n.to_string()) {
            assert_eq!(view.owner("room", &entity, now), Owner::Node(id(2)));
            assert_eq!(view.owner("room", &entity, now + seconds(4)), Owner::Nobody, "that was too long ago");
        }
        assert_eq!(view.others(now).collect::<Vec<_>>(), [id(2)]);
        assert_eq!(View::outside(id(1)).owner("room", "1", now), Owner::Nobody);
    }

    #[test]
    fn weights_are_what_other_versions_reckon() {
        // The first 8 bytes of SHA-256 over the node, the kind, a zero and the entity, reckoned by another program.
        assert_eq!(u64::from_be_bytes(weight(id(1), "consultation", "x")), 6_298_173_322_836_943_433);
    }

    proptest! {
        /// When one goes, nothing moves but what it owned; and what there is spreads over all.
        #[test]
        fn only_what_it_owned_moves(gone in 1u128..=4, seed in any::<u64>()) {
            let all: Vec<Node> = (1..=4).map(|n| node(n + u128::from(seed), 0, 30)).collect();
            let gone = id(gone + u128::from(seed));
            let me = all[0].id.as_u128();
            let (with, now) = seen_by(me, all.clone());
            let (without, then) = seen_by(me, all.into_iter().filter(|node| node.id != gone || node.id.as_u128() == me).collect());
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for entity in (0..400).map(|n| n.to_string()) {
                let owner = with.owner("schedule", &entity, now);
                *counts.entry(format!("{owner:?}")).or_default() += 1;
                if owner != Owner::Node(gone) {
                    prop_assert_eq!(owner, without.owner("schedule", &entity, then));
                }
            }
            prop_assert_eq!(counts.len(), 4);
            prop_assert!(counts.values().all(|count| (40..=180).contains(count)), "{:?}", counts);
        }
    }
}
