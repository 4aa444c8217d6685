//! What people do at different nodes is one and the same.

use std::collections::BTreeMap;

use consilium_tests::{
    client::{Person, text},
    cluster::Clinic,
    socket::Socket,
};
use futures_util::future::join_all;
use serde_json::json;

#[actix_rt::test]
async fn people_at_different_nodes_share_a_consultation() {
    let clinic = Clinic::open().await;
    let (doctor, patient) = (clinic.doctor("ayesha").await, clinic.patient("rafi").await);
    let id = clinic.consultation(&doctor, &patient).await;
    let topic = format!("consultation:{id}");
    let mut hers = Socket::open(&clinic.at(1, &doctor), &topic).await;
    let mut his = Socket::open(&clinic.at(2, &patient), &topic).await;

    // In the order in which they are said, whoever says them where.
    let said = |n: usize| json!({"client_message_id": format!("m{n}"), "body": format!("Message {n}")});
    for n in 0..10 {
        if n % 2 == 0 {
            his.command("send_message", said(n)).await;
        } else {
            hers.command("send_message", said(n)).await;
        }
    }
    let posted = clinic.at(0, &patient).post(&format!("/consultations/{id}/messages"), said(10)).await;
    posted.expect(201);
    for socket in [&mut hers, &mut his] {
        let mut heard = Vec::new();
        while heard.len() < 11 {
            let frame = socket.until(|frame| frame["event"] == "message_sent").await;
            heard.push((frame["seq"].as_i64(), text(&frame["data"], "body").to_owned()));
        }
        let bodies: Vec<&str> = heard.iter().map(|(_, body)| body.as_str()).collect();
        assert_eq!(bodies, (0..11).map(|n| format!("Message {n}")).collect::<Vec<_>>());
        assert!(heard.is_sorted_by(|a, b| a.0 < b.0));
    }

    // What is kept nowhere reaches the other one, too; and each is seen to be there.
    his.command("typing", json!({})).await;
    let typing = hers.until(|frame| frame["signal"] == "typing").await;
    assert_eq!(typing["from"], patient.id);
    let third = Socket::open(&clinic.at(0, &doctor), &topic).await;
    let mut there: Vec<(String, String)> = third.begun["presence"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (text(one, "user_id").to_owned(), text(one, "state").to_owned()))
        .collect();
    there.sort();
    let mut both = [(doctor.id.clone(), "online".to_owned()), (patient.id.clone(), "online".to_owned())];
    both.sort();
    assert_eq!(there, both);

    // One of two connections goes: the other, at another node, keeps her there. Then he goes.
    drop(third);
    his.command("typing", json!({})).await;
    hers.until(|frame| frame["signal"] == "typing").await;
    drop(hers);
    let hers = |frame: &serde_json::Value| frame["signal"] == "presence" && frame["from"] == doctor.id.as_str();
    his.until(|frame| hers(frame) && frame["data"]["state"] == "away").await;
}

#[actix_rt::test]
async fn each_slot_is_booked_once_however_many_nodes_are_asked() {
    let clinic = Clinic::open().await;
    let doctor = clinic.doctor("ayesha").await;
    let mut patients: Vec<Person> = Vec::new();
    for n in 0..60 {
        patients.push(clinic.at(n % 3, &clinic.patient(&format!("patient-{n}")).await));
    }
    let slots = doctor.slots(&doctor).await;
    let wishes = patients.iter().enumerate().map(async |(n, patient)| {
        loop {
            let answer = patient.book(&doctor, &slots[n % 6]).await;
            match answer.status {
                201 => return "booked".to_owned(),
                503 => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                status => return format!("{status} {}", text(&answer.body, "code")),
            }
        }
    });
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in join_all(wishes).await {
        *counted.entry(outcome).or_default() += 1;
    }
    assert_eq!(counted, BTreeMap::from([("409 slot_taken".to_owned(), 54), ("booked".to_owned(), 6)]));
    assert_eq!(clinic.deployment.verify_audit(), None);
}

#[actix_rt::test]
async fn the_status_names_every_node_and_a_node_that_ends_hands_over_at_once() {
    let mut clinic = Clinic::open().await;
    let (told, well) = clinic.deployment.run(&["cluster", "status"]);
    assert!(well, "{told}");
    for part in ["one", "two", "three", "node", "version", "owns"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let (doctor, patient) = (clinic.doctor("ayesha").await, clinic.patient("rafi").await);
    clinic.nodes[2].take().expect("it runs").stop().await;
    clinic.settled(2).await;
    // Whoever owned it before, somebody does now.
    for (n, slot) in patient.slots(&doctor).await.iter().take(4).enumerate() {
        clinic.at(n % 2, &patient).book(&doctor, slot).await.expect(201);
    }
}
