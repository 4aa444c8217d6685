//! The rules of people: who may read and change whom, and what a change makes of a profile. Pure.

use consilium_identity::{AccountPatch, check_name};
use consilium_kernel::{DoctorId, Language, PatientId, Principal, Refusal, Role, Timestamp};

use crate::{
    checks::Checks,
    input::{DoctorPatch, EmergencyContactInput, MePatch, PatientPatch},
    model::{Doctor, EmergencyContact, Profile},
    refusal::PeopleRefusal,
};

/// How far somebody may look into a patient's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// One's own record.
    Own,
    /// Everything, because of a treating relationship.
    Care,
    /// Who it is and how to reach them, nothing medical.
    Administration,
}

/// What `reader` may see of `patient`; `treats` says whether the two meet in an appointment.
pub fn access(reader: &Principal, patient: PatientId, treats: bool) -> Option<Access> {
    let user = match reader {
        Principal::System => return Some(Access::Care),
        Principal::Anonymous => return None,
        Principal::User(user) => user,
    };
    match user.role {
        Role::Patient if user.patient_id == Some(patient) => Some(Access::Own),
        Role::Doctor | Role::Nurse | Role::Pharmacist if treats => Some(Access::Care),
        Role::Admin => Some(Access::Administration),
        _ => None,
    }
}

/// Whether `reader` is the doctor, an administrator or Consilium itself.
pub fn manages(reader: &Principal, doctor: DoctorId) -> bool {
    match reader {
        Principal::System => true,
        Principal::Anonymous => false,
        Principal::User(user) => user.doctor_id == Some(doctor) || is_admin(reader),
    }
}

/// Whether `reader` runs the facility, or is Consilium itself.
pub fn is_admin(reader: &Principal) -> bool {
    match reader {
        Principal::System => true,
        Principal::Anonymous => false,
        Principal::User(user) => user.role == Role::Admin,
    }
}

/// The profile that `patch` makes of `before`, or why it makes none.
pub fn patch_doctor(
    before: &Doctor,
    patch: &DoctorPatch,
    expected_version: i64,
    by_admin: bool,
) -> Result<Doctor, Refusal> {
    if before.version != expected_version {
        return Err(PeopleRefusal::Stale.refusal());
    }
    let mut checks = Checks::default();
    let mut after = before.clone();
    if let Some(name) = &patch.display_name {
        set(&mut after.display_name, checks.line("/display_name", name, 120));
    }
    if let Some(specialty) = &patch.specialty {
        after.specialty = specialty.as_deref().and_then(|text| checks.line("/specialty", text, 80));
    }
    if let Some(qualifications) = &patch.qualifications {
        set(&mut after.qualifications, checks.list("/qualifications", qualifications, 30, 200));
    }
    if let Some(licence) = &patch.licence_number {
        after.licence_number = licence.as_deref().and_then(|text| checks.line("/licence_number", text, 60));
    }
    if let Some(years) = patch.years_of_experience {
        after.years_of_experience = years.and_then(|years| u16::try_from(years).ok().filter(|years| *years <= 80));
        if years.is_some() && after.years_of_experience.is_none() {
            checks.wrong("/years_of_experience", "out_of_range", "must lie between 0 and 80");
        }
    }
    if let Some(languages) = &patch.languages {
        set(&mut after.languages, parse_languages(&mut checks, languages));
    }
    if let Some(fee) = &patch.consultation_fee {
        after.consultation_fee = fee.as_ref().and_then(|fee| checks.money("/consultation_fee", fee));
    }
    if let Some(zone) = &patch.time_zone {
        set(&mut after.time_zone, checks.time_zone("/time_zone", zone));
    }
    if let Some(photo) = &patch.photo_url {
        after.photo_url = photo.as_deref().and_then(|url| checks.https_url("/photo_url", url));
    }
    if let Some(provider) = &patch.video_provider {
        after.video_provider = provider.as_deref().and_then(|id| checks.line("/video_provider", id, 100));
    }
    checks.done()?;
    let vouched_for = before.verified && before.licence_number.is_some();
    if vouched_for && !by_admin && after.licence_number != before.licence_number {
        return Err(PeopleRefusal::LicenceVerified.refusal());
    }
    Ok(after)
}

fn parse_languages(checks: &mut Checks, languages: &[String]) -> Option<Vec<Language>> {
    let lines = checks.list("/languages", languages, 20, 35)?;
    let parsed: Vec<Option<Language>> =
        lines.iter().enumerate().map(|(at, tag)| checks.language(&format!("/languages/{at}"), tag)).collect();
    let mut all = Vec::with_capacity(parsed.len());
    for language in parsed.into_iter().collect::<Option<Vec<_>>>()? {
        if !all.contains(&language) {
            all.push(language);
        }
    }
    Some(all)
}

/// What a change of one's own account asks for.
pub fn account_patch(checks: &mut Checks, patch: &MePatch) -> AccountPatch {
    let mut name =
        |pointer, name: &Option<String>| name.as_deref().and_then(|name| checks.take(check_name(pointer, name)));
    AccountPatch {
        given_name: name("/given_name", &patch.given_name),
        family_name: name("/family_name", &patch.family_name),
        time_zone: patch.time_zone.as_deref().and_then(|zone| checks.time_zone("/time_zone", zone)),
        language: patch.language.as_deref().and_then(|tag| checks.language("/language", tag)),
    }
}

/// The profile that `patch` makes of `before`; what is wrong is noted in `checks`.
pub fn patch_patient(checks: &mut Checks, before: Profile, patch: &PatientPatch, now: Timestamp) -> Profile {
    let mut after = before;
    if let Some(date) = &patch.birth_date {
        after.birth_date = date.as_deref().and_then(|text| checks.birth_date("/profile/birth_date", text, now));
    }
    if let Some(gender) = &patch.gender {
        let parse = |text: &str| checks.parse("/profile/gender", text, "must be male, female, other or unknown");
        after.gender = gender.as_deref().and_then(parse);
    }
    if let Some(phone) = &patch.phone {
        after.phone = phone.as_deref().and_then(|text| checks.phone("/profile/phone", text));
    }
    if let Some(address) = &patch.address {
        after.address = address.as_deref().and_then(|text| checks.lines("/profile/address", text, 500));
    }
    if let Some(blood_type) = &patch.blood_type {
        let parse = |text: &str| checks.parse("/profile/blood_type", text, "must be one of A+ A- B+ B- AB+ AB- O+ O-");
        after.blood_type = blood_type.as_deref().and_then(parse);
    }
    if let Some(allergies) = &patch.allergies {
        set(&mut after.allergies, checks.list("/profile/allergies", allergies, 100, 200));
    }
    if let Some(conditions) = &patch.conditions {
        set(&mut after.conditions, checks.list("/profile/conditions", conditions, 100, 200));
    }
    if let Some(contact) = &patch.emergency_contact {
        after.emergency_contact = contact.as_ref().and_then(|contact| emergency_contact(checks, contact));
    }
    after
}

fn emergency_contact(checks: &mut Checks, contact: &EmergencyContactInput) -> Option<EmergencyContact> {
    let name = checks.line("/profile/emergency_contact/name", &contact.name, 200);
    let relationship = checks.line("/profile/emergency_contact/relationship", &contact.relationship, 80);
    let phone = checks.phone("/profile/emergency_contact/phone", &contact.phone);
    Some(EmergencyContact { name: name?, relationship: relationship?, phone: phone? })
}

/// Whether everybody may see this doctor.
pub fn is_public(doctor: &Doctor) -> bool {
    doctor.verified
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

#[cfg(test)]
mod tests {
    use consilium_kernel::{FacilityId, Id, User};

    use super::*;

    fn somebody(role: Role, doctor: Option<u128>, patient: Option<u128>) -> Principal {
        let id = uuid::Uuid::from_u128;
        Principal::User(User {
            user_id: Id::new(id(1)),
            session_id: Id::new(id(2)),
            role,
            facility_id: FacilityId::new(id(3)),
            doctor_id: doctor.map(|n| Id::new(id(n))),
            patient_id: patient.map(|n| Id::new(id(n))),
            email_verified: true,
        })
    }

    #[test]
    fn who_may_read_a_patient() {
        use Access::{Administration, Care, Own};
        let patient = Id::new(uuid::Uuid::from_u128(5));
        let table = [
            (Principal::Anonymous, None, None),
            (Principal::System, Some(Care), Some(Care)),
            (somebody(Role::Patient, None, Some(5)), Some(Own), Some(Own)),
            (somebody(Role::Patient, None, Some(6)), None, None),
            (somebody(Role::Doctor, Some(5), None), None, Some(Care)),
            (somebody(Role::Nurse, None, None), None, Some(Care)),
            (somebody(Role::Pharmacist, None, None), None, Some(Care)),
            (somebody(Role::Support, None, None), None, None),
            (somebody(Role::Admin, None, None), Some(Administration), Some(Administration)),
        ];
        for (reader, otherwise, treating) in table {
            assert_eq!(access(&reader, patient, false), otherwise, "{reader:?}");
            assert_eq!(access(&reader, patient, true), treating, "{reader:?} treating");
        }
    }

    #[test]
    fn who_may_change_a_doctor() {
        let doctor = Id::new(uuid::Uuid::from_u128(5));
        let table = [
            (Principal::Anonymous, false),
            (Principal::System, true),
            (somebody(Role::Doctor, Some(5), None), true),
            (somebody(Role::Doctor, Some(6), None), false),
            (somebody(Role::Patient, None, Some(5)), false),
            (somebody(Role::Nurse, None, None), false),
            (somebody(Role::Admin, None, None), true),
        ];
        for (reader, may) in table {
            assert_eq!(manages(&reader, doctor), may, "{reader:?}");
        }
    }
}
