//! `video-webrtc` with a real coturn: its credentials allocate a relay and pass packets through it,
//! and stop doing so when they expire, under another secret and for another name.

use crate::support::{join, start};
use consilium_kernel::{Clock as _, SystemClock};
use consilium_plugin_host::contract::video::{IceServer, Join, Role};
use consilium_tests::coturn::{Coturn, SECRET};
use serde_json::json;
use std::{process::Command, time::Duration};

/// Two clients allocate a relay each with these credentials and send packets to each other
/// through it: coturn's own `turnutils_uclient`. Answers how many came back, or what it says.
fn relay(coturn: &Coturn, username: &str, credential: &str) -> Result<usize, String> {
    let output = Command::new("timeout")
        .args(["30", "turnutils_uclient", "-y", "-c", "-n", "2", "-m", "1", "-u", username, "-w", credential])
        .args(["-p", &coturn.port.to_string(), "127.0.0.1"])
        .output()
        .expect("coturn's utilities are missing: run scripts/setup-tests");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !output.status.success() {
        return Err(said);
    }
    let received = said.lines().filter_map(|line| line.rsplit_once("tot_recv_msgs=")?.1.parse().ok());
    Ok(received.max().unwrap_or_default())
}

/// The TURN credentials that the plugin makes, in its child process.
async fn credentials(coturn: &Coturn, secret: &str, lifetime: Duration) -> (String, String) {
    let config = json!({"turn_urls": [coturn.url()]});
    let plugin = start("video-webrtc", config, &[("turn_secret", secret)]).await;
    let request = Join { expires_at: SystemClock.now() + lifetime, ..join("consultation-7", "7", Role::Patient) };
    let access = plugin.call(request).await.unwrap();
    let [IceServer { username, credential, .. }] = access.peers().unwrap().0 else { panic!("{access:?}") };
    (username.clone().unwrap(), credential.as_ref().unwrap().expose().to_owned())
}

#[tokio::test]
async fn credentials_relay_until_they_expire() {
    let coturn = Coturn::start();
    let (username, credential) = credentials(&coturn, SECRET, Duration::from_secs(600)).await;
    assert_eq!(relay(&coturn, &username, &credential), Ok(4), "{}", coturn.log());
    let (username, credential) = credentials(&coturn, SECRET, Duration::from_secs(4)).await;
    let expiry: i64 = username.split_once(':').unwrap().0.parse().unwrap();
    while SystemClock.now().as_second() <= expiry {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let refused = relay(&coturn, &username, &credential).unwrap_err();
    assert!(refused.contains("Cannot complete Allocation"), "{refused}");
    assert!(coturn.log().contains(&format!("Cannot find credentials of user <{username}>")), "{}", coturn.log());
}

#[tokio::test]
async fn credentials_of_another_secret_or_name_relay_nothing() {
    let coturn = Coturn::start();
    let (username, credential) = credentials(&coturn, "another-secret", Duration::from_secs(600)).await;
    assert!(relay(&coturn, &username, &credential).unwrap_err().contains("Cannot complete Allocation"));
    let (username, credential) = credentials(&coturn, SECRET, Duration::from_secs(600)).await;
    let later = username.replacen(char::is_numeric, "9", 1);
    assert!(relay(&coturn, &later, &credential).unwrap_err().contains("Cannot complete Allocation"), "prolonged");
    assert!(relay(&coturn, &username, "nonsense").unwrap_err().contains("Cannot complete Allocation"));
    assert_eq!(relay(&coturn, &username, &credential), Ok(4), "{}", coturn.log());
}
