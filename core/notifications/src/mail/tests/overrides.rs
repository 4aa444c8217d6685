//! An operator's own words, and settings that cannot be used.

use super::*;

#[test]
fn an_operator_can_replace_words_and_add_a_language_and_is_told_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let load = || Templates::load(Some(folder.path())).map(|_| ()).map_err(|error| error.to_string());
    write("en/password_changed.subject.j2", "Hello {{ name }}");
    write("de/password_changed.subject.j2", "Ihr Passwort");
    assert!(load().unwrap_err().contains("de/password_changed.txt.j2 is missing"));
    write("de/password_changed.txt.j2", "Hallo {{ name }}");
    write("de/password_changed.html.j2", "<p>Hallo {{ name }}</p>");
    load().unwrap();
    let composer = Composer::new(
        &SmtpSettings::default(),
        Templates::load(Some(folder.path())).unwrap(),
        "https://clinic.example.org".parse().unwrap(),
    )
    .unwrap();
    for (language, subject) in [("de-AT", "Ihr Passwort"), ("fr", "Hello Amina Khatun")] {
        let mut mail = outgoing(Kind::PasswordChanged, Audience::Account, Content::Account { user_id: id(5) });
        mail.contact.language = language.parse().unwrap();
        let raw = composer.compose(&mail).unwrap().formatted();
        assert_eq!(parse(&raw).subject().unwrap(), subject);
    }
    write("en/pasword_changed.subject.j2", "typo");
    assert!(load().unwrap_err().contains("not the name of any template"));
    std::fs::remove_file(folder.path().join("en/pasword_changed.subject.j2")).unwrap();
    write("en/password_changed.subject.j2", "{% if %}");
    assert!(load().unwrap_err().contains("en/password_changed.subject.j2"));
    assert!(Templates::load(Some(&folder.path().join("nowhere"))).is_err());
}

#[test]
fn a_sender_that_is_no_address_is_named() {
    let settings = SmtpSettings { from: "clinic".into(), ..SmtpSettings::default() };
    let base_url = "https://clinic.example.org".parse().unwrap();
    let error = Composer::new(&settings, Templates::load(None).unwrap(), base_url).err().unwrap();
    assert_eq!(error.key, "smtp.from");
}
