//! The rules of files. Pure: what is known and what is wanted in, a refusal or the way on out.

use consilium_kernel::{PatientId, Refusal, UserId};

use crate::{
    media::MediaType,
    model::{NewUpload, Purpose, Status, StoredFile},
    refusal::FileRefusal,
    settings::{FileSettings, MAX_CREDENTIAL, MAX_UNFINISHED},
};

/// What an account has uploaded of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes begun within 24 hours.
    pub day: u64,
    /// Unfinished uploads.
    pub unfinished: i64,
}

/// Characters of a name at most.
const LONGEST_NAME: usize = 255;

/// Whether this may be uploaded by somebody who has uploaded so much.
pub fn create(new: &NewUpload, used: Usage, settings: &FileSettings) -> Result<(), Refusal> {
    if new.length == 0 {
        return Err(Refusal::field("/upload_length", "out_of_range", "must be more than 0"));
    }
    let most =
        if new.purpose == Purpose::Credential { MAX_CREDENTIAL.min(settings.max_file) } else { settings.max_file };
    if new.length > most {
        return Err(FileRefusal::TooLarge.refusal());
    }
    check_name(&new.name)?;
    if used.unfinished >= MAX_UNFINISHED {
        return Err(FileRefusal::TooMany.refusal());
    }
    if used.day.saturating_add(new.length) > settings.max_account_day {
        return Err(Refusal { retry_after: Some(3600), ..FileRefusal::Quota.refusal() });
    }
    Ok(())
}

/// A name is shown to others: it must be one, and must not turn its own end around.
fn check_name(name: &str) -> Result<(), Refusal> {
    let count = name.chars().count();
    let wrong = |code, detail: &str| Err(Refusal::field("/filename", code, detail));
    match count {
        0 => return wrong("required", "names the file"),
        1..=LONGEST_NAME => {}
        _ => return wrong("too_long", "has more than 255 characters"),
    }
    let turns = |letter| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if name.chars().any(|letter| letter.is_control() || turns(letter) || matches!(letter, '/' | '\\')) {
        return wrong("invalid", "must have neither slashes nor characters that cannot be seen");
    }
    Ok(())
}

/// What the documents of a verification may be: what every browser shows and nothing can be hidden in.
const CREDENTIALS: [&str; 3] = ["application/pdf", "image/jpeg", "image/png"];

/// Whether content of this type serves the purpose.
pub fn fits(purpose: Purpose, media: MediaType) -> Result<(), FileRefusal> {
    match purpose {
        Purpose::Credential if !CREDENTIALS.contains(&media.essence()) => Err(FileRefusal::CredentialType),
        _ => Ok(()),
    }
}

/// Whether a part of this many bytes, if that is known, may be added at `offset`.
pub fn append(file: &StoredFile, offset: u64, bytes: Option<u64>, settings: &FileSettings) -> Result<(), Refusal> {
    if file.status == Status::Uploading && offset == file.received {
        let bytes = bytes.unwrap_or(0);
        return match offset.saturating_add(bytes) {
            _ if bytes > settings.max_chunk => Err(FileRefusal::ChunkTooLarge.refusal()),
            end if end > file.length => Err(FileRefusal::Overflow.refusal()),
            _ => Ok(()),
        };
    }
    match file.status {
        Status::Uploading => Err(FileRefusal::Offset.refusal()),
        Status::Deleted => Err(Refusal::not_found()),
        Status::Scanning | Status::Available | Status::Infected => Err(FileRefusal::Finished.refusal()),
    }
}

/// Whether its content can be had.
pub fn give(file: &StoredFile) -> Result<(), Refusal> {
    match file.status {
        Status::Available => Ok(()),
        Status::Uploading | Status::Scanning => Err(FileRefusal::NotReady.refusal()),
        Status::Infected => Err(FileRefusal::Infected.refusal()),
        Status::Deleted => Err(Refusal::not_found()),
    }
}

/// Whether `owner` may share it with whoever meets `patient`, or without one where it is about no patient: only what is
/// theirs, and about nobody else.
pub fn share(file: &StoredFile, owner: Option<UserId>, patient: Option<PatientId>) -> Result<(), Refusal> {
    if owner != Some(file.owner_id) || file.patient_id != patient {
        return Err(Refusal::not_found());
    }
    give(file)
}

/// What a file becomes when its owner deletes it: nothing at once, or something whose bytes must go first.
pub fn delete(file: &StoredFile, is_shared: bool) -> Result<Option<Status>, Refusal> {
    match file.status {
        _ if is_shared => Err(FileRefusal::Shared.refusal()),
        Status::Uploading | Status::Infected => Ok(None),
        Status::Scanning | Status::Available => Ok(Some(Status::Deleted)),
        Status::Deleted => Err(Refusal::not_found()),
    }
}
