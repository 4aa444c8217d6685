//! Whom the doctor asks to join, and what they may do while it lasts.

use consilium_consultations::{Invitee, NewMessage, Part};
use consilium_db::testing::TestDb;
use consilium_kernel::{ConsultationId, Role, User};

use crate::world::{World, code, meta, nine, staff};

async fn invited(world: &World, id: ConsultationId, whom: &User, role: Part) -> consilium_consultations::Invitation {
    let invitee = Invitee::Account(whom.user_id);
    world.consultations.invite(meta(&world.doctor), id, invitee, role).await.unwrap().1
}

fn hello() -> NewMessage {
    NewMessage { client_message_id: "1".to_owned(), body: "hello".to_owned(), attachments: Vec::new() }
}

#[actix_rt::test]
async fn an_interpreter_takes_part_while_it_lasts_and_leads_nothing() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let helper = world.colleague("helper", Role::Support).await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let (consultations, doctor, them) = (&world.consultations, meta(&world.doctor), meta(&helper));
        assert_eq!(code(consultations.join(them.clone(), id).await), "not_found", "not asked yet");
        assert_eq!(code(consultations.messages(&them, id, 0, 10).await), "not_found");

        let invitee = Invitee::Address("helper@example.org".parse().unwrap());
        let (_, made) = consultations.invite(doctor.clone(), id, invitee, Part::Interpreter).await.unwrap();
        let told = world.events(&format!("user:{}", helper.user_id)).await;
        assert_eq!((told[0].0.as_str(), told[0].1["role"].as_str()), ("participant_invited", Some("interpreter")));
        world.at("08:55:00");
        consultations.join(meta(&patient), id).await.unwrap();
        let joined = consultations.join(them.clone(), id).await.unwrap();
        assert_eq!((joined.role, joined.waiting), (Part::Interpreter, None));
        assert_eq!(joined.video.unwrap().token.unwrap(), "interpreter:helper Example");
        consultations.send_message(them.clone(), id, hello()).await.unwrap();
        assert_eq!(consultations.messages(&them, id, 0, 10).await.unwrap().items.len(), 1);
        for outcome in [
            code(consultations.admit(them.clone(), id).await),
            code(consultations.start(them.clone(), id).await),
            code(consultations.end(them.clone(), id).await),
            code(consultations.invite(them.clone(), id, Invitee::Account(helper.user_id), Part::Nurse).await),
            code(consultations.withdraw_invitation(them.clone(), id, made.id).await),
            code(consultations.notes(&them, id).await),
            code(consultations.raise_emergency(them.clone(), id).await),
        ] {
            assert_eq!(outcome, "forbidden");
        }
        consultations.admit(doctor.clone(), id).await.unwrap();
        consultations.end(doctor, id).await.unwrap();
        assert_eq!(code(consultations.messages(&them, id, 0, 10).await), "not_found", "it is over");
        assert_eq!(code(consultations.send_message(them.clone(), id, hello()).await), "not_found");
        let other = world.patient("bob").await;
        let (_, another) = world.accepted(&other, "2026-06-01T09:30:00Z".parse().unwrap(), false).await;
        assert_eq!(code(consultations.join(them, another).await), "not_found", "asked to one, not to all");
    }
}

#[actix_rt::test]
async fn a_withdrawn_invitation_ends_the_stay() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let patient = world.patient("ada").await;
        let nurse = world.colleague("nurse", Role::Nurse).await;
        let (_, id) = world.accepted(&patient, nine(), false).await;
        let (consultations, doctor, them) = (&world.consultations, meta(&world.doctor), meta(&nurse));
        let made = invited(&world, id, &nurse, Part::Nurse).await;
        consultations.join(them.clone(), id).await.unwrap();
        let (_, withdrawn) = consultations.withdraw_invitation(doctor.clone(), id, made.id).await.unwrap();
        assert!(withdrawn.withdrawn_at.is_some());
        consultations.withdraw_invitation(doctor.clone(), id, made.id).await.unwrap();
        assert!(!world.state(id).await.is_present(Part::Nurse));
        let events = world.events(&format!("consultation:{id}")).await;
        let (name, data) = events.last().unwrap();
        assert_eq!((name.as_str(), data["reason"].as_str()), ("participant_left", Some("withdrawn")));
        assert_eq!(code(consultations.join(them.clone(), id).await), "not_found");
        assert_eq!(code(consultations.messages(&them, id, 0, 10).await), "not_found");
        let stays = consultations.sessions(&doctor, id, None, 10).await.unwrap().items;
        assert_eq!(stays[0].left_because.unwrap().to_string(), "withdrawn");
        // Asked again, they may come again, as from a server that was restarted.
        invited(&world, id, &nurse, Part::Interpreter).await;
        assert_eq!(world.reopened().join(them, id).await.unwrap().role, Part::Interpreter);
        assert_eq!(world.state(id).await.invitations.len(), 2);
    }
}

#[actix_rt::test]
async fn who_may_be_invited_and_by_whom() {
    for test in TestDb::both() {
        let world = World::new(test).await;
        let (ada, bob) = (world.patient("ada").await, world.patient("bob").await);
        let (nurse, pharmacist) =
            (world.colleague("nurse", Role::Nurse).await, world.colleague("pharma", Role::Pharmacist).await);
        let (_, id) = world.accepted(&ada, nine(), false).await;
        let mine = meta(&world.doctor);
        let unknown = Invitee::Address("nobody@example.org".parse().unwrap());
        for (by, invitee, role, refusal) in [
            (mine.clone(), unknown, Part::Nurse, "not_found"),
            (mine.clone(), Invitee::Account(bob.user_id), Part::Interpreter, "not_found"),
            (mine.clone(), Invitee::Account(nurse.user_id), Part::SecondDoctor, "invalid"),
            (mine.clone(), Invitee::Account(nurse.user_id), Part::Doctor, "invalid"),
            (mine.clone(), Invitee::Account(pharmacist.user_id), Part::Interpreter, "invalid"),
            (mine.clone(), Invitee::Account(world.doctor.user_id), Part::SecondDoctor, "already_takes_part"),
            (meta(&ada), Invitee::Account(nurse.user_id), Part::Nurse, "forbidden"),
            (meta(&nurse), Invitee::Account(nurse.user_id), Part::Nurse, "forbidden"),
            (meta(&bob), Invitee::Account(nurse.user_id), Part::Nurse, "not_found"),
            (meta(&staff(Role::Doctor)), Invitee::Account(nurse.user_id), Part::Nurse, "not_found"),
        ] {
            assert_eq!(code(world.consultations.invite(by, id, invitee, role).await), refusal);
        }
        assert_eq!(world.state(id).await.version, 0, "nothing happened");
        invited(&world, id, &nurse, Part::Nurse).await;
        let again = world.consultations.invite(mine.clone(), id, Invitee::Account(nurse.user_id), Part::Nurse).await;
        assert_eq!(code(again), "already_takes_part");
        assert_eq!(code(world.consultations.invitations(&meta(&ada), id).await), "forbidden");
        assert_eq!(world.consultations.invitations(&mine, id).await.unwrap().invitations.len(), 1);
        world.consultations.start(mine.clone(), id).await.unwrap();
        world.consultations.end(mine.clone(), id).await.unwrap();
        let over = world.consultations.invite(mine, id, Invitee::Account(nurse.user_id), Part::Nurse).await;
        assert_eq!(code(over), "invalid_transition");
    }
}
