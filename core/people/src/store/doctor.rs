//! A doctor's row.

use consilium_db::{
    AnyConnection, Error, Result, Session, Tx,
    types::{at, key, maybe_at},
};
use consilium_kernel::{DoctorId, FacilityId, Money, Scope, Timestamp, UserId};
use diesel::prelude::*;

use super::tables::doctor as table;
use crate::model::{Doctor, Rating, Verification};

/// A doctor's row as it is read; what is only searched by stays behind.
#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct DoctorRow {
    id: DoctorId,
    facility_id: FacilityId,
    user_id: UserId,
    display_name: String,
    specialty: Option<String>,
    qualifications: String,
    licence_number: Option<String>,
    years_of_experience: Option<i32>,
    languages: String,
    fee_minor: Option<i64>,
    fee_currency: Option<String>,
    time_zone: String,
    photo_url: Option<String>,
    rating_sum: i64,
    rating_count: i64,
    status: String,
    status_reason: Option<String>,
    created_at: Timestamp,
    version: i64,
    video_provider: Option<String>,
    suspended_at: Option<Timestamp>,
}

impl TryFrom<DoctorRow> for Doctor {
    type Error = Error;

    fn try_from(row: DoctorRow) -> Result<Self> {
        let wrong = |what: &str| Error::Setup(format!("doctor {} has no usable {what}", row.id));
        let verification: Verification = row.status.parse().map_err(|_| wrong("status"))?;
        let average = (row.rating_count > 0).then(|| row.rating_sum as f64 / row.rating_count as f64);
        let consultation_fee = match (row.fee_minor, row.fee_currency.as_deref()) {
            (Some(amount), Some(currency)) => Some(Money::new(amount, currency).ok_or_else(|| wrong("fee"))?),
            _ => None,
        };
        Ok(Self {
            time_zone: row.time_zone.parse().map_err(|_| wrong("time zone"))?,
            years_of_experience: row.years_of_experience.and_then(|years| u16::try_from(years).ok()),
            qualifications: serde_json::from_str(&row.qualifications)?,
            languages: serde_json::from_str(&row.languages)?,
            rating: Rating { average, count: row.rating_count },
            verified: verification == Verification::Approved && row.suspended_at.is_none(),
            suspended: row.suspended_at.is_some(),
            consultation_fee,
            verification,
            id: row.id,
            user_id: row.user_id,
            facility_id: row.facility_id,
            display_name: row.display_name,
            specialty: row.specialty,
            licence_number: row.licence_number,
            photo_url: row.photo_url,
            video_provider: row.video_provider,
            verification_reason: row.status_reason,
            created_at: row.created_at,
            version: row.version,
        })
    }
}

/// What stands in the columns that the directory searches.
pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// One doctor, verified or not, in any facility.
pub fn doctor(session: &mut Session<'_>, id: DoctorId) -> Result<Option<Doctor>> {
    let row: Option<DoctorRow> =
        table::table.find(key(id)).select(DoctorRow::as_select()).first(session.connection()).optional()?;
    row.map(Doctor::try_from).transpose()
}

/// One doctor of this facility.
pub fn in_scope(session: &mut Session<'_>, scope: Scope, id: DoctorId) -> Result<Option<Doctor>> {
    Ok(doctor(session, id)?.filter(|found| found.facility_id == scope.facility_id))
}

/// One doctor of the caller's facility, held until commit: what is decided about one is decided one after the other.
pub fn locked(tx: &mut Tx<'_>, id: DoctorId) -> Result<Option<Doctor>> {
    let scope = tx.meta().scope;
    let rows = table::table.find(key(id)).select(table::id);
    let held: Option<DoctorId> = match tx.connection() {
        AnyConnection::Postgres(postgres) => rows.for_update().first(postgres).optional()?,
        AnyConnection::Sqlite(sqlite) => rows.first(sqlite).optional()?,
    };
    held.map_or(Ok(None), |id| in_scope(tx, scope, id))
}

/// Writes a new doctor.
pub fn insert(tx: &mut Tx<'_>, new: &Doctor) -> Result<()> {
    let columns = (table::id.eq(key(new.id)), table::facility_id.eq(key(new.facility_id)));
    let rest = (
        table::user_id.eq(key(new.user_id)),
        table::rating_sum.eq(0_i64),
        table::rating_count.eq(0_i64),
        table::created_at.eq(at(new.created_at)),
        table::version.eq(new.version),
    );
    diesel::insert_into(table::table).values((columns, rest, Profile::of(new)?)).execute(tx.connection())?;
    Ok(())
}

/// Writes what has changed since `before` was read.
pub fn update(tx: &mut Tx<'_>, before: &Doctor, mut after: Doctor) -> Result<Doctor> {
    after.version = before.version + 1;
    let changed = diesel::update(table::table.find(key(before.id)).filter(table::version.eq(before.version)))
        .set((table::version.eq(after.version), Profile::of(&after)?))
        .execute(tx.connection())?;
    if changed == 1 { Ok(after) } else { Err(Error::VersionConflict) }
}

/// Takes a doctor off the list while the account is deactivated, and puts one back who was approved.
pub fn suspend(tx: &mut Tx<'_>, id: DoctorId, suspended: bool) -> Result<()> {
    let since = suspended.then(|| tx.now());
    diesel::update(table::table.find(key(id)))
        .set((table::suspended_at.eq(maybe_at(since)), table::version.eq(table::version + 1)))
        .execute(tx.connection())?;
    Ok(())
}

/// Counts a rating of 1 to 5 stars. The profile gets a new version with it, because it shows the average.
pub fn rated(tx: &mut Tx<'_>, id: DoctorId, stars: u8) -> Result<()> {
    diesel::update(table::table.find(key(id)))
        .set((
            table::rating_sum.eq(table::rating_sum + i64::from(stars)),
            table::rating_count.eq(table::rating_count + 1),
            table::version.eq(table::version + 1),
        ))
        .execute(tx.connection())?;
    Ok(())
}

/// The columns that a profile fills.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = table, treat_none_as_null = true)]
struct Profile {
    display_name: String,
    specialty: Option<String>,
    qualifications: String,
    licence_number: Option<String>,
    years_of_experience: Option<i32>,
    languages: String,
    fee_minor: Option<i64>,
    fee_currency: Option<String>,
    time_zone: String,
    photo_url: Option<String>,
    video_provider: Option<String>,
    status: String,
    status_reason: Option<String>,
    sort_name: String,
    search_text: String,
    specialty_key: String,
    language_keys: String,
}

impl Profile {
    fn of(doctor: &Doctor) -> Result<Self> {
        let specialty = doctor.specialty.as_deref().unwrap_or_default();
        let tags = doctor.languages.iter().map(|tag| tag.as_str().to_lowercase()).collect::<Vec<_>>().join(",");
        Ok(Self {
            display_name: doctor.display_name.clone(),
            specialty: doctor.specialty.clone(),
            qualifications: serde_json::to_string(&doctor.qualifications)?,
            licence_number: doctor.licence_number.clone(),
            years_of_experience: doctor.years_of_experience.map(i32::from),
            languages: serde_json::to_string(&doctor.languages)?,
            fee_minor: doctor.consultation_fee.as_ref().map(|fee| fee.amount_minor),
            fee_currency: doctor.consultation_fee.as_ref().map(|fee| fee.currency.clone()),
            time_zone: doctor.time_zone.name().to_owned(),
            photo_url: doctor.photo_url.clone(),
            video_provider: doctor.video_provider.clone(),
            status: doctor.verification.to_string(),
            status_reason: doctor.verification_reason.clone(),
            sort_name: folded(&doctor.display_name),
            search_text: format!("{} {}", folded(&doctor.display_name), folded(specialty)),
            specialty_key: folded(specialty),
            language_keys: format!(",{tags},"),
        })
    }
}
