//! An administrator replaces a plugin, sees it crash, and resumes it.

use std::{path::Path, time::Duration};

use consilium_api::config::{Config, Plugin};
use consilium_tests::{
    app::{TestApp, on_both_with},
    artifacts,
    client::{Client, text},
};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use serde_json::{Value, json};

/// The rogue, which nobody calls here, as a child process of the built server.
fn with_rogue(config: &mut Config) {
    let folder = Path::new(&config.keys.directory).with_file_name("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(artifacts::plugin("rogue"), folder.join("rogue.so")).unwrap();
    config.plugins.directory = folder.display().to_string();
    config.plugins.cache_directory = folder.join("cache").display().to_string();
    config.plugins.child_command = vec![artifacts::consilium().display().to_string(), "plugin-host".to_owned()];
    config.plugins.r#use.insert("rogue".to_owned(), Plugin::default());
}

async fn rogue(client: &Client) -> Value {
    client.get("/plugins").await.expect(200)["items"][0].clone()
}

async fn until(client: &Client, state: &str) -> Value {
    for _ in 0..2_000 {
        let plugin = rogue(client).await;
        if plugin["state"] == state {
            return plugin;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {state}: {}", rogue(client).await);
}

fn kill(plugin: &Value) {
    let pid = plugin["pid"].as_u64().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    principal_kind: String,
    #[diesel(sql_type = Text)]
    action: String,
}

/// What the audit log says of plugins, once its last line is this one.
async fn audited(app: &TestApp, last: &str) -> Vec<(String, String)> {
    const QUESTION: &str = "SELECT principal_kind, action FROM audit_entry WHERE entity_kind = 'plugin' ORDER BY id";
    for _ in 0..2_000 {
        let read = |read: &mut consilium_db::Session<'_>| Ok(sql_query(QUESTION).load::<Line>(read.connection())?);
        let lines = app.server.state.db.read(read).await.unwrap();
        let lines: Vec<_> = lines.into_iter().map(|line| (line.principal_kind, line.action)).collect();
        if lines.iter().any(|(_, action)| action == last) {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {last}");
}

#[actix_rt::test]
async fn a_plugin_is_replaced_killed_quarantined_and_resumed() {
    on_both_with(with_rogue, async |app| {
        let first = until(&app.admin, "running").await;
        assert_eq!((&first["generation"], &first["alerts"]), (&json!(1), &json!([])));

        let reload = "/plugins/rogue/reload";
        let answer = app.admin.post(reload, Value::Null).key("k").await.expect(200);
        let second = rogue(&app.admin).await;
        assert_eq!((&second["generation"], &second["pid"]), (&json!(2), &answer["pid"]));
        assert_ne!(second["pid"], first["pid"]);
        assert_eq!(answer["old"], answer["new"], "the bytes are the same");
        assert_eq!(app.admin.post(reload, Value::Null).key("k").await.expect(200), answer);
        assert_eq!(rogue(&app.admin).await["generation"], 2, "the same request is not done again");
        app.admin.post("/plugins/nobody/reload", Value::Null).await.problem(404, "not_found");

        let library = Path::new(&app.server.state.config.plugins.directory).join("rogue.so");
        std::fs::write(&library, "no library").unwrap();
        app.admin.post(reload, Value::Null).await.problem(409, "plugin_reload_refused");
        assert_eq!(rogue(&app.admin).await["pid"], second["pid"], "the old one goes on");

        for _ in 0..5 {
            let running = until(&app.admin, "running").await;
            kill(&running);
            until_other(app, &running).await;
        }
        let quarantined = until(&app.admin, "quarantined").await;
        assert_eq!(text(&quarantined["alerts"][0], "code"), "plugin_quarantined");
        assert!(text(&quarantined["alerts"][0], "message").contains("signal: 9"));
        let patient = app.patient("rafi").await;
        let seen = rogue(&patient).await;
        assert_eq!(text(&seen["alerts"][0], "code"), "plugin_quarantined");
        assert!(seen["alerts"][0].get("message").is_none(), "how it crashed is not for everybody");

        patient.post("/plugins/rogue/resume", Value::Null).await.problem(403, "forbidden");
        app.admin.post("/plugins/rogue/resume", Value::Null).await.expect(200);
        assert_eq!(until(&app.admin, "running").await["alerts"], json!([]));

        let lines = audited(app, "plugin_resumed").await;
        let count = |who: &str, what: &str| lines.iter().filter(|(by, action)| by == who && action == what).count();
        for (who, what, times) in [
            ("system", "plugin_swapped", 1),
            ("admin", "plugin_reload_asked", 1),
            ("system", "plugin_crashed", 5),
            ("system", "plugin_quarantined", 1),
            ("system", "plugin_resumed", 1),
            ("admin", "plugin_resume_asked", 1),
        ] {
            assert_eq!(count(who, what), times, "{who} {what}: {lines:?}");
        }
    })
    .await;
}

/// Waits until that process is no longer the plugin's.
async fn until_other(app: &TestApp, before: &Value) {
    while rogue(&app.admin).await["pid"] == before["pid"] {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
