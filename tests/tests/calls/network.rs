//! The patient's device gets another address, as when it leaves the Wi-Fi: everything it has open is dead.

use std::process::Command;

use consilium_tests::app::Backend;

use crate::world::World;

/// A network of its own for one browser, with this machine at its other end (198.18.0.0/15 is for tests: RFC 2544).
struct Network {
    name: String,
    link: String,
    third: u32,
}

impl Network {
    fn new() -> Self {
        let id = std::process::id();
        let network = Self { name: format!("consilium-{id}"), link: format!("cns{id}"), third: id % 250 + 1 };
        let (name, link, host) = (network.name.as_str(), network.link.as_str(), network.host());
        let inside = format!("{link}i");
        ip(&["netns", "add", name]);
        ip(&["link", "add", link, "type", "veth", "peer", "name", &inside, "netns", name]);
        ip(&["addr", "add", &format!("{host}/24"), "dev", link]);
        ip(&["link", "set", link, "up"]);
        ip(&["-n", name, "link", "set", "lo", "up"]);
        ip(&["-n", name, "link", "set", &inside, "up"]);
        network.arrive(2);
        network
    }

    /// This machine's address.
    fn host(&self) -> String {
        self.address(1)
    }

    fn address(&self, last: u8) -> String {
        format!("198.18.{}.{last}", self.third)
    }

    /// Gives the device this address.
    fn arrive(&self, last: u8) {
        ip(&[
            "-n",
            &self.name,
            "addr",
            "add",
            &format!("{}/24", self.address(last)),
            "dev",
            &format!("{}i", self.link),
        ]);
        ip(&["-n", &self.name, "route", "add", "default", "via", &self.host()]);
    }

    /// Takes the address from it.
    fn leave(&self, last: u8) {
        ip(&[
            "-n",
            &self.name,
            "addr",
            "del",
            &format!("{}/24", self.address(last)),
            "dev",
            &format!("{}i", self.link),
        ]);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for rest in [["link", "del", self.link.as_str()], ["netns", "del", self.name.as_str()]] {
            let _ = Command::new("ip").args(rest).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let done = Command::new("ip").args(arguments).output().expect("iproute2 is missing: run scripts/setup-tests");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "`ip {}` failed; this test must be root and may make network namespaces (CAP_NET_ADMIN, CAP_SYS_ADMIN): {said}",
        arguments.join(" ")
    );
}

#[actix_rt::test]
async fn a_call_recovers_when_a_device_changes_its_network() {
    let network = Network::new();
    let mut world = World::new(Backend::Sqlite, &network.host()).await;
    world.meet(&["ip", "netns", "exec", &network.name]).await;
    let allocated = world.coturn.allocations();
    world.write("doctor", "before").await;
    world.both_read(&["before"]).await;

    network.leave(2);
    world.browsers.until("patient", "states.includes('disconnected')").await;
    world.write("patient", "under way").await;
    world.write("doctor", "still there?").await;
    network.arrive(3);
    let begun = std::time::Instant::now();
    world.browsers.until("patient", "newest().connectionState === 'connected'").await;
    world.both_see().await;
    eprintln!("both see each other again after {:.1} s", begun.elapsed().as_secs_f64());
    assert!(world.coturn.allocations() > allocated, "new relays: {}", world.coturn.log());
    for who in ["doctor", "patient"] {
        let connections = world.browsers.evaluate(who, "connections.length").await;
        assert_eq!(connections, 1, "{who}: ICE was restarted, not the call");
    }
    world.both_read(&["before", "still there?", "under way"]).await;
}
