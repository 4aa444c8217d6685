//! Who was there when, and what a finished consultation comes down to.

use consilium_consultations::{Client, Connection, Device, LeftBecause, Part};
use consilium_db::testing::TestDb;
use consilium_kernel::{CommandMeta, DEFAULT_FACILITY, Role};

use crate::world::{World, code, meta, nine, staff};

#[actix_rt::test]
async fn each_stay_is_recorded_with_device_network_and_reason() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (_, id) = world.accepted(&ada, nine(), false).await;
        let (consultations, doctor) = (&world.consultations, meta(&world.doctor));
        let phone = Client {
            user_agent: Some("safari".to_owned()),
            device: Some(Device::Phone),
            connection: Some(Connection::Cellular),
        };
        world.at("08:55:00");
        let nameless = Client { user_agent: Some("x".repeat(65)), ..phone.clone() };
        assert_eq!(code(consultations.join_with(meta(&ada), id, None, nameless).await), "invalid");
        consultations.join_with(meta(&ada), id, None, phone.clone()).await.unwrap();
        consultations.join(doctor.clone(), id).await.unwrap();
        consultations.admit(doctor.clone(), id).await.unwrap();
        world.at("08:58:00");
        let system = CommandMeta::system(DEFAULT_FACILITY, "test");
        consultations.drop_participant(system, id, ada.user_id).await.unwrap();
        world.at("08:59:00");
        consultations.join(meta(&ada), id).await.unwrap();
        let message = consilium_consultations::NewMessage {
            client_message_id: "1".to_owned(),
            body: "hello".to_owned(),
            attachments: Vec::new(),
        };
        consultations.send_message(meta(&ada), id, message).await.unwrap();
        assert_eq!(consultations.summary(&world.state(id).await).await.unwrap(), None, "not over");
        world.at("09:05:00");
        consultations.end(doctor.clone(), id).await.unwrap();

        let all = consultations.sessions(&doctor, id, None, 2).await.unwrap();
        assert_eq!(all.items.len(), 2);
        let rest = consultations.sessions(&doctor, id, all.next_cursor.as_deref(), 2).await.unwrap();
        assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
        let first = &all.items[0];
        assert_eq!((first.user_id, first.role, first.reconnected), (ada.user_id, Part::Patient, false));
        assert_eq!((first.client.clone(), first.left_because), (phone, Some(LeftBecause::Dropped)));
        assert_eq!(first.left_at.unwrap().to_string(), "2026-06-01T08:58:00Z");
        assert_eq!((rest.items[0].reconnected, rest.items[0].left_because), (true, Some(LeftBecause::Ended)));
        assert_eq!(world.audited("read_sessions").await, 2);

        let own = consultations.sessions(&meta(&ada), id, None, 100).await.unwrap().items;
        assert!(own.len() == 2 && own.iter().all(|stay| stay.user_id == ada.user_id));
        assert_eq!(world.audited("read_sessions").await, 2, "one's own are not foreign");
        for role in [Role::Support, Role::Admin] {
            assert_eq!(consultations.sessions(&meta(&staff(role)), id, None, 100).await.unwrap().items.len(), 3);
        }
        assert_eq!(code(consultations.sessions(&meta(&staff(Role::Nurse)), id, None, 100).await), "forbidden");
        for stranger in [bob, staff(Role::Doctor), staff(Role::Pharmacist)] {
            assert_eq!(code(consultations.sessions(&meta(&stranger), id, None, 100).await), "not_found");
        }
        assert_eq!(code(consultations.sessions(&doctor, id, Some("x"), 100).await), "invalid");

        let summary = consultations.summary(&world.state(id).await).await.unwrap().unwrap();
        assert_eq!(summary.duration_seconds, 600);
        assert_eq!((summary.participants, summary.interruptions, summary.messages), (2, 1, 1));
        let (_, ended) = world.events(&format!("consultation:{id}")).await.pop().unwrap();
        assert_eq!((ended["interruptions"].as_i64(), ended["messages"].as_i64()), (Some(1), Some(1)));
        assert_eq!(ended["automatic"], false);
    }
}
