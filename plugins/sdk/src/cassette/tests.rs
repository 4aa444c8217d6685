//! Cassettes: what is found, what is filled in, what goes wrong, what is never recorded.

use super::*;
use serde_json::json;

fn cassette(value: Value) -> Cassette {
    serde_json::from_value(value).unwrap()
}

fn request(method: &str, url: &str) -> HttpFetch {
    HttpFetch { method: method.into(), url: url.into(), headers: BTreeMap::new(), body: None, timeout_ms: None }
}

fn body(answer: &Result<HttpFetched, PluginError>) -> String {
    String::from_utf8(answer.as_ref().unwrap().body.0.clone()).unwrap()
}

#[test]
fn what_is_not_on_the_cassette_is_an_error() {
    let player = Player::new(cassette(json!({"version": 1, "interactions": [
        {"request": {"method": "GET", "url": "https://a.example/x/*/end"}, "response": {"status": 200}},
    ]})));
    for (method, url) in [
        ("POST", "https://a.example/x/1/end"),
        ("GET", "https://a.example/x/1/END"),
        ("GET", "https://b.example/x/1/end"),
    ] {
        assert_eq!(player.answer(&request(method, url)).unwrap_err().code, "cassette_miss", "{method} {url}");
    }
    assert!(player.answer(&request("get", "https://a.example/x/1/2/end")).is_ok());
}

#[test]
fn answers_come_in_their_order_and_the_last_stays() {
    let player = Player::new(cassette(json!({"version": 1, "interactions": [
        {"request": {"method": "*", "url": "*"}, "response": {"status": 200, "text": "first"}},
        {"request": {"method": "*", "url": "*"}, "response": {"status": 200, "text": "then {{n}}"}},
    ]})));
    let said: Vec<_> = (0..4).map(|_| body(&player.answer(&request("GET", "x")))).collect();
    assert_eq!(said, ["first", "then 1", "then 2", "then 3"]);
}

#[test]
fn bodies_choose_and_are_echoed() {
    let player = Player::new(cassette(json!({"version": 1, "interactions": [
        {"request": {"method": "POST", "url": "*", "body": {"kind": "b", "more": "*"}},
         "response": {"status": 201, "json": {"id": "{{n}}", "of": "r-{{request:/deep/0}}{{other}}{{path:-2}}"}}},
        {"request": {"method": "GET", "url": "*"}, "response": {"status": 200, "json": [
            "{{number:path:-1}}", "{{number:path:-2}}", "{{number:query:z}}", "{{path:-1}}",
        ]}},
    ]})));
    let mut post = request("POST", "https://a.example/x/y?z=/1");
    assert!(player.answer(&post).is_err());
    post.body = Some(Bytes(br#"{"kind":"a","more":1}"#.to_vec()));
    assert!(player.answer(&post).is_err());
    post.body = Some(Bytes(br#"{"kind":"b","more":1,"deep":["x"]}"#.to_vec()));
    assert_eq!(body(&player.answer(&post)), r#"{"id":1,"of":"r-x{{other}}x"}"#);
    let get = body(&player.answer(&request("GET", "https://a.example/x/84?z=7")));
    assert_eq!(get, r#"[84,"{{number:path:-2}}",7,"84"]"#);
}

#[test]
fn faults_begin_and_end_by_rule() {
    let mut stub = Cassette::stub();
    stub.faults = serde_json::from_value(json!([
        {"url": "*/rooms", "after": 1, "times": 2, "fault": {"status": {"code": 429, "retry_after_seconds": 7}}},
        {"url": "*/gone", "fault": "reset"},
        {"url": "*/late", "fault": {"slow": {"delay_ms": 3}}},
    ]))
    .unwrap();
    let player = Player::new(stub);
    let statuses: Vec<_> = (0..4).map(|_| player.answer(&request("GET", "https://a/rooms")).unwrap().status).collect();
    assert_eq!(statuses, [200, 429, 429, 200]);
    assert_eq!(player.answer(&request("GET", "https://a/gone")).unwrap_err().code, "connection_failed");
    let late = player.play(&request("GET", "https://a/late"));
    assert_eq!((late.delay, late.answer.unwrap().status), (Duration::from_millis(3), 200));
    let timeout = Player::new(Cassette::stub().failing(Fault::Timeout));
    assert!(timeout.answer(&request("GET", "https://a")).unwrap_err().retryable);
}

#[test]
fn nothing_secret_or_personal_is_recorded() {
    let mut cassette = Cassette::default();
    let mut asked = request("post", "https://api.example/users/ada@clinic.example/meetings?access_token=abc&page=2");
    asked.headers.insert("authorization".into(), "Bearer hunter2hunter2".into());
    asked.body = Some(Bytes(br#"{"topic":"Ada Rahman"}"#.to_vec()));
    let answer = json!({
        "id": 7, "topic": "Visit", "host_email": "dr@clinic.example", "first_name": "Ada", "access_token": "eyJhbGciOi",
        "token_type": "bearer", "expires_in": 3600, "start_url": "https://api.example/s/7?zak=eyJsecret&x=1",
        "nested": [{"phone_number": "+8801", "text": "call ada@clinic.example, key hunter2hunter2"}],
    });
    let headers = [("set-cookie", "session=abc"), ("content-type", "application/json")];
    let answer = HttpFetched {
        status: 201,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: Bytes(answer.to_string().into_bytes()),
    };
    cassette.record(&Redactor::new(["hunter2hunter2".to_owned()]), &asked, &answer);
    let text = serde_json::to_string(&cassette).unwrap();
    for leak in ["hunter2", "abc", "eyJ", "Rahman", "Ada", "clinic.example", "+8801", "session"] {
        assert!(!text.contains(leak), "{leak}: {text}");
    }
    let kept = cassette.interactions[0].response.json.as_ref().unwrap();
    assert_eq!((&kept["id"], &kept["topic"], &kept["expires_in"]), (&json!(7), &json!("Visit"), &json!(3600)));
    assert_eq!(kept["token_type"], "bearer");
    assert_eq!(kept["start_url"], "https://api.example/s/7?zak=redacted&x=1");
    let player = Player::new(cassette);
    assert!(player.answer(&request("POST", "https://api.example/users/me/meetings?access_token=new&page=1")).is_ok());
}

#[test]
fn a_file_of_another_version_or_with_unknown_members_is_refused() {
    let path = std::env::temp_dir().join(format!("consilium-cassette-{}.json", std::process::id()));
    for (text, reason) in [
        (r#"{"version": 2}"#, "version 2 is unknown"),
        (r#"{"version": 1, "interaction": []}"#, "unknown field"),
        ("no", "expected"),
    ] {
        fs::write(&path, text).unwrap();
        let error = Cassette::load(&path).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("cassette"), "{error}");
    }
    Cassette::stub().save(&path).unwrap();
    assert_eq!(Cassette::load(&path).unwrap(), Cassette::stub());
    fs::remove_file(&path).unwrap();
}
