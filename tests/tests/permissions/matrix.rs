//! The promise as written down, and how what was seen differs from it.

use std::collections::{BTreeMap, BTreeSet};

use consilium_api::http::routes::routes;

/// Who tries: the columns of `matrix.txt`.
pub const CALLERS: [&str; 9] =
    ["anonymous", "patient", "foreign patient", "doctor", "foreign doctor", "nurse", "pharmacist", "support", "admin"];

/// What a caller is promised on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    Done,
    Status(u16),
    NotAsked,
}

impl Promise {
    fn parse(text: &str) -> Self {
        match text {
            "ok" => Self::Done,
            "-" => Self::NotAsked,
            status => Self::Status(status.parse().unwrap_or_else(|_| panic!("`{status}` is no promise"))),
        }
    }

    fn is_kept_by(self, status: u16) -> bool {
        match self {
            Self::Done => (200..300).contains(&status),
            Self::Status(promised) => status == promised,
            Self::NotAsked => false,
        }
    }
}

/// `matrix.txt`.
#[derive(Clone)]
pub struct Matrix(BTreeMap<String, [Promise; CALLERS.len()]>);

/// Statuses by route and caller.
#[derive(Clone, Default)]
pub struct Observed(BTreeMap<String, BTreeMap<&'static str, u16>>);

impl Observed {
    /// What this caller was answered.
    pub fn note(&mut self, route: &str, caller: &'static str, status: u16) {
        self.0.entry(route.to_owned()).or_default().insert(caller, status);
    }
}

impl Matrix {
    /// The promises of the file.
    pub fn written() -> Self {
        let lines = include_str!("matrix.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut rows = BTreeMap::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let promises: Vec<Promise> = words[2..].iter().map(|word| Promise::parse(word)).collect();
            let promises = promises.try_into().unwrap_or_else(|_| panic!("{line}: not {} promises", CALLERS.len()));
            let twice = rows.insert(format!("{} {}", words[0], words[1]), promises);
            assert!(twice.is_none(), "{line}: the route is there twice");
        }
        Self(rows)
    }

    /// Whether the file says anything about this caller on this route; nothing about a route is found out later.
    pub fn asks(&self, route: &str, caller: &str) -> bool {
        self.0.get(route).is_some_and(|row| promise(row, caller) != Promise::NotAsked)
    }

    /// Everything in which the server differs from the promise, routes that only one of them knows included.
    pub fn differences(&self, observed: &Observed) -> Vec<String> {
        let served: BTreeSet<String> =
            routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let written: BTreeSet<String> = self.0.keys().cloned().collect();
        let mut wrong: Vec<String> = Vec::new();
        wrong.extend(served.difference(&written).map(|route| format!("{route}: not in matrix.txt")));
        wrong.extend(written.difference(&served).map(|route| format!("{route}: in matrix.txt, but not served")));
        for (route, row) in self.0.iter().filter(|(route, _)| served.contains(*route)) {
            for caller in CALLERS {
                let seen = observed.0.get(route).and_then(|callers| callers.get(caller)).copied();
                match (promise(row, caller), seen) {
                    (Promise::NotAsked, _) => {}
                    (_, None) => wrong.push(format!("{route} as {caller}: was not tried")),
                    (promise, Some(status)) if promise.is_kept_by(status) => {}
                    (promise, Some(status)) => {
                        wrong.push(format!("{route} as {caller}: promised {promise:?}, answered {status}"));
                    }
                }
            }
        }
        wrong
    }
}

fn promise(row: &[Promise; CALLERS.len()], caller: &str) -> Promise {
    let place = CALLERS.iter().position(|known| *known == caller).expect("a caller of the table");
    row[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server would answer that keeps every promise.
    fn faultless(matrix: &Matrix) -> Observed {
        let mut observed = Observed::default();
        for (route, row) in &matrix.0 {
            for caller in CALLERS {
                match promise(row, caller) {
                    Promise::Done => observed.note(route, caller, 200),
                    Promise::Status(status) => observed.note(route, caller, status),
                    Promise::NotAsked => {}
                }
            }
        }
        observed
    }

    #[test]
    fn any_route_made_public_is_caught() {
        let matrix = Matrix::written();
        assert_eq!(matrix.differences(&faultless(&matrix)), [""; 0]);
        let mut flipped = 0;
        for (route, row) in &matrix.0 {
            if promise(row, "anonymous") == Promise::Status(401) {
                // Whoever was kept out is let in: done, or refused by something that comes after the permission.
                for status in [200, 201, 204, 404, 409, 422] {
                    let mut open = faultless(&matrix);
                    open.note(route, "anonymous", status);
                    assert_eq!(matrix.differences(&open).len(), 1, "{route} as anybody: {status}");
                }
                flipped += 1;
            }
        }
        let public =
            routes().iter().filter(|route| route.access == consilium_api::http::access::Access::Public).count();
        assert_eq!(flipped, routes().len() - public, "a route that is not public keeps out who is not logged in");
    }

    #[test]
    fn any_role_let_in_or_kept_out_is_caught() {
        let matrix = Matrix::written();
        for (route, row) in &matrix.0 {
            for caller in CALLERS {
                let wrong = match promise(row, caller) {
                    Promise::NotAsked => continue,
                    Promise::Done => 403,
                    Promise::Status(_) => 200,
                };
                let mut changed = faultless(&matrix);
                changed.note(route, caller, wrong);
                assert_eq!(matrix.differences(&changed).len(), 1, "{route} as {caller}");
            }
        }
    }

    #[test]
    fn a_route_that_only_one_side_knows_is_caught() {
        let whole = Matrix::written();
        let route = whole.0.keys().next().expect("a route").clone();
        let mut missing = whole.clone();
        let row = missing.0.remove(&route).expect("the route");
        assert_eq!(missing.differences(&faultless(&missing)), [format!("{route}: not in matrix.txt")]);
        let mut extra = whole.clone();
        extra.0.insert("GET /nowhere".to_owned(), row);
        let told = extra.differences(&faultless(&extra));
        assert_eq!(told, ["GET /nowhere: in matrix.txt, but not served"]);
        let mut untried = faultless(&whole);
        untried.0.remove(&route);
        assert!(!whole.differences(&untried).is_empty());
    }
}
