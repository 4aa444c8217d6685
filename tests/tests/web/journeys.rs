//! Who goes through which pages.

use crate::world::World;

#[actix_rt::test]
async fn a_patient_books_in_four_taps_and_hears_the_answer_at_once_sqlite() {
    World::new().await.play("booking").await;
}

#[actix_rt::test]
async fn doctor_and_patient_meet_and_the_patient_has_the_prescription_sqlite() {
    World::new().await.play("visit").await;
}

#[actix_rt::test]
async fn the_room_has_hands_files_drawings_and_recordings_with_consent_sqlite() {
    World::new().await.play("room").await;
}

#[actix_rt::test]
async fn everybody_at_the_clinic_does_their_work_sqlite() {
    World::new().await.play("roles").await;
}

#[actix_rt::test]
async fn between_visits_people_write_walk_in_and_confirm_what_comes_next_sqlite() {
    World::new().await.play("between").await;
}

#[actix_rt::test]
async fn a_browser_is_told_when_its_reader_wants_it_sqlite() {
    World::new().await.play("push").await;
}

#[actix_rt::test]
async fn every_page_is_accessible_in_light_and_dark_sqlite() {
    World::new().await.play("pages").await;
}

#[actix_rt::test]
async fn the_keyboard_alone_books_and_joins_sqlite() {
    World::new().await.play("keyboard").await;
}

#[actix_rt::test]
async fn lighthouse_finds_nothing_to_blame_on_a_phone_sqlite() {
    World::new().await.play("lighthouse").await;
}

/// `scripts/pictures` takes them over.
#[actix_rt::test]
async fn the_pictures_of_the_documentation_can_be_made_sqlite() {
    World::new().await.play("pictures").await;
}

#[actix_rt::test]
async fn arabic_is_read_from_right_to_left_sqlite() {
    World::new().await.play("arabic").await;
}

#[actix_rt::test]
async fn what_goes_wrong_has_a_page_and_the_next_appointment_is_there_offline_sqlite() {
    World::new().await.play("trouble").await;
}
