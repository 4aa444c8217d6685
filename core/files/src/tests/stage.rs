//! A patient and a doctor who meet, others who do not, and a folder for the bytes.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use consilium_db::{DatabaseUrl, Db, Keys, Tx, Vault, testing::TestDb};
use consilium_kernel::{
    CommandMeta, ConsultationId, DEFAULT_FACILITY, DoctorId, Id, Ids, MessageId, PatientId, Principal, RandomIds,
    Refusal, Role, Scope, User, UserId,
};
use consilium_runtime::{DueWorker, TimerWorker};
use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use futures_util::{StreamExt as _, stream};

use crate::*;

pub fn fresh<T>() -> Id<T> {
    Id::new(RandomIds.next())
}

pub fn person(role: Role) -> User {
    User {
        user_id: fresh(),
        session_id: fresh(),
        role,
        facility_id: DEFAULT_FACILITY,
        doctor_id: (role == Role::Doctor).then(fresh),
        patient_id: (role == Role::Patient).then(fresh),
        email_verified: true,
    }
}

pub fn meta(user: &User) -> CommandMeta {
    CommandMeta {
        principal: Principal::User(user.clone()),
        scope: Scope::of(user.facility_id),
        request_id: "test".to_owned(),
        trace: None,
        idempotency: None,
    }
}

/// Who meets whom.
#[derive(Default)]
pub struct Meetings {
    /// Consultations with their patients and participants.
    pub consultations: Mutex<Vec<(ConsultationId, PatientId, Vec<UserId>)>>,
    /// Doctors and those they treat.
    pub treated: Mutex<Vec<(DoctorId, PatientId)>>,
}

#[async_trait]
impl Relations for Meetings {
    async fn takes_part(&self, meta: &CommandMeta, place: Place) -> Result<Option<PatientId>, Refusal> {
        let known = self.consultations.lock().unwrap();
        let found = known.iter().find(|(known, _, _)| Place::Consultation(*known) == place);
        let mine = found.filter(|(_, _, who)| meta.principal.user_id().is_some_and(|user| who.contains(&user)));
        Ok(mine.map(|(_, patient, _)| *patient))
    }

    async fn treats(&self, meta: &CommandMeta, patient: PatientId) -> Result<bool, Refusal> {
        let doctor = meta.principal.user().and_then(|user| user.doctor_id);
        Ok(doctor.is_some_and(|doctor| self.treated.lock().unwrap().contains(&(doctor, patient))))
    }
}

pub struct Stage {
    pub test: TestDb,
    pub files: Files,
    pub meetings: Arc<Meetings>,
    pub patient: User,
    pub doctor: User,
    pub stranger: User,
    pub consultation: ConsultationId,
    pub folder: tempfile::TempDir,
}

/// Plays `scene` on each database.
pub async fn on_both(scene: impl AsyncFn(&Stage)) {
    on_both_with(|_| {}, None, scene).await;
}

/// Plays `scene` on each database with settings of its own, and with a scanner.
pub async fn on_both_with(settings: fn(&mut FileSettings), scanner: Option<&str>, scene: impl AsyncFn(&Stage)) {
    for test in TestDb::both() {
        scene(&Stage::new(test, settings, scanner)).await;
    }
}

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// Bytes that are taken for a picture, of this length.
pub fn picture(length: usize) -> Vec<u8> {
    let noise = (0_u32..).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8);
    PNG.iter().copied().chain(noise).take(length).collect()
}

impl Stage {
    fn new(test: TestDb, settings: fn(&mut FileSettings), scanner: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (patient, doctor, stranger) = (person(Role::Patient), person(Role::Doctor), person(Role::Patient));
        let consultation = fresh();
        let meetings = Meetings::default();
        let both = vec![patient.user_id, doctor.user_id];
        meetings.consultations.lock().unwrap().push((consultation, patient.patient_id.unwrap(), both));
        let meetings = Arc::new(meetings);
        let antivirus = scanner.map(|address| Antivirus::at(address, Duration::from_secs(5)).unwrap());
        let files = open(&test, meetings.clone(), folder.path().into(), settings, antivirus);
        Self { test, files, meetings, patient, doctor, stranger, consultation, folder }
    }

    /// The same files, as after a restart.
    pub fn restarted(&self) -> Files {
        open(&self.test, self.meetings.clone(), self.folder.path().into(), |_| {}, None)
    }

    /// As after a restart, when the key of this subject was erased: a server that has opened something before may know
    /// the key, one that was restarted does not.
    pub async fn erased(&self, subject: uuid::Uuid) -> Files {
        let erase = move |tx: &mut Tx<'_>| {
            let key = sql_query("DELETE FROM data_key WHERE subject = $1");
            Ok(key.bind::<consilium_db::types::Uuid, _>(subject).execute(tx.connection())?)
        };
        let erased = self.test.db.write(&meta(&self.doctor), erase).await.unwrap();
        assert_eq!(erased, 1, "there was a key");
        let (url, vault): (DatabaseUrl, _) =
            (self.test.url.parse().unwrap(), Vault::new(Keys::read(&self.test.folder).unwrap()));
        let db = Db::open(&url, 4, vault, self.test.clock.clone(), Arc::new(RandomIds)).unwrap();
        Files { db, ..self.restarted() }
    }

    pub fn wish(&self, length: usize) -> NewUpload {
        NewUpload {
            length: length as u64,
            name: "Wound, left hand.png".to_owned(),
            declared: "filename V291bmQ=".to_owned(),
            purpose: Purpose::Consultation { consultation_id: self.consultation },
        }
    }

    pub async fn begin(&self, user: &User, length: usize) -> FileId {
        self.files.create(&meta(user), self.wish(length)).await.unwrap().id
    }

    pub async fn send(&self, user: &User, id: FileId, offset: usize, part: &[u8]) -> Result<Progress, Refusal> {
        self.files.append(&meta(user), id, offset as u64, Some(part.len() as u64), None, body(&[part])).await
    }

    /// A complete upload of the patient's.
    pub async fn upload(&self, content: &[u8]) -> FileId {
        let id = self.begin(&self.patient, content.len()).await;
        self.send(&self.patient, id, 0, content).await.unwrap();
        id
    }

    /// A file of the patient's that can be had.
    pub async fn available(&self, content: &[u8]) -> FileId {
        let id = self.upload(content).await;
        self.process().await;
        assert_eq!(self.get(id).await.status, Status::Available);
        id
    }

    pub async fn process(&self) -> usize {
        DueWorker::new(FileWorker::new(self.files.clone())).work_off().await.unwrap()
    }

    pub async fn fire_timers(&self) -> usize {
        let handler = Arc::new(ExpiryTimer::new(self.files.clone()));
        TimerWorker::new(self.test.db.clone(), vec![handler]).fire_due().await.unwrap()
    }

    pub fn wait(&self, minutes: i64) {
        self.test.clock.advance(jiff::SignedDuration::from_mins(minutes));
    }

    /// As its owner sees it.
    pub async fn get(&self, id: FileId) -> StoredFile {
        self.files.get(&meta(&self.patient), id).await.unwrap()
    }

    pub async fn content(&self, user: &User, id: FileId, range: std::ops::Range<u64>) -> Result<Vec<u8>, Refusal> {
        let opened = self.files.open(&meta(user), id).await?;
        let mut content = self.files.read(&meta(user), opened, range).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = content.next().await {
            bytes.extend(piece.unwrap());
        }
        Ok(bytes)
    }

    /// Shows a file of the patient's in the consultation.
    pub async fn share(&self, id: FileId) -> Result<SharedFile, Refusal> {
        self.attach(id, None).await
    }

    /// Shows it with a message.
    pub async fn attach(&self, id: FileId, message: Option<MessageId>) -> Result<SharedFile, Refusal> {
        let (place, patient) = (Place::Consultation(self.consultation), self.patient.patient_id);
        let me = meta(&self.patient);
        let shared = self.test.db.write(&me, move |tx| {
            share(tx, place, patient, id, message, |tx, shared| {
                tx.publish("consultation:test", "file_shared", shared.shared_by.uuid(), &shared.file.id)
            })
        });
        Ok(shared.await?)
    }

    /// What lies in the folders of uploads and of finished files.
    pub fn lying(&self) -> (usize, usize) {
        let count = |folder: &str| std::fs::read_dir(self.folder.path().join(folder)).unwrap().count();
        (count("uploads"), count("files"))
    }

    /// What the audit log says of a file.
    pub async fn audited(&self, id: FileId) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            action: String,
        }
        let read = move |session: &mut consilium_db::Session<'_>| {
            Ok(sql_query("SELECT action FROM audit_entry WHERE entity_id = $1 ORDER BY id")
                .bind::<consilium_db::types::Uuid, _>(id.uuid())
                .load::<Line>(session.connection())?)
        };
        let lines = self.test.db.read(read).await.unwrap();
        lines.into_iter().map(|line| line.action).collect()
    }

    /// What an account was told.
    pub async fn told(&self, user: &User) -> Vec<String> {
        let topic = format!("user:{}", user.user_id);
        let read =
            move |session: &mut consilium_db::Session<'_>| consilium_db::topics::read_after(session, &topic, 0, 100);
        self.test.db.read(read).await.unwrap().into_iter().map(|event| event.event).collect()
    }
}

fn open(
    test: &TestDb,
    meetings: Arc<Meetings>,
    folder: PathBuf,
    settings: fn(&mut FileSettings),
    antivirus: Option<Antivirus>,
) -> Files {
    let mut set = FileSettings::in_folder(folder.join("uploads"));
    settings(&mut set);
    let depot = Depot::open(&format!("file://{}/files", folder.display()), &S3Access::default()).unwrap();
    Files::new(test.db.clone(), meetings, depot, antivirus, set).unwrap()
}

/// A body that comes in these pieces.
pub fn body(pieces: &[&[u8]]) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Unpin + use<> {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

#[track_caller]
pub fn code<T>(result: Result<T, Refusal>) -> String {
    result.map_or_else(|refusal| refusal.code.into_owned(), |_| "done".to_owned())
}
