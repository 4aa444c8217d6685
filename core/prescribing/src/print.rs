//! From a signed document to a PDF: typeset off the arbiter, a few at a time, and kept for a while. A document
//! never changes once it is signed, so its id alone says which PDF it is.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use consilium_documents::{Doctor, Facility, Medicine, Patient, PrescriptionDocument, Verification, prescription_pdf};
use consilium_kernel::{PrescriptionId, Refusal};
use lru::LruCache;
use tokio::sync::Semaphore;

use crate::{
    document::SignedDocument,
    model::{Prescription, Signature},
};

/// PDFs typeset at once.
const TURNS: usize = 2;
/// How long a reader may wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// PDFs kept; about 60 KB each.
const KEPT: NonZeroUsize = NonZeroUsize::new(128).unwrap();

pub(crate) struct Printer {
    turns: Semaphore,
    kept: Mutex<LruCache<PrescriptionId, Arc<[u8]>>>,
}

impl Default for Printer {
    fn default() -> Self {
        Self { turns: Semaphore::new(TURNS), kept: Mutex::new(LruCache::new(KEPT)) }
    }
}

impl Printer {
    /// The PDF of a prescription; codes on it are checked at `base_url`.
    pub async fn pdf(&self, prescription: &Prescription, base_url: &str) -> Result<Arc<[u8]>, Refusal> {
        let id = prescription.document.id;
        if let Some(kept) = self.kept(id) {
            return Ok(kept);
        }
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| Refusal::unavailable())?.map_err(|_| Refusal::unavailable())?;
        // Somebody else may have asked for the same while this one waited.
        if let Some(kept) = self.kept(id) {
            return Ok(kept);
        }
        let document = printed(&prescription.document, &prescription.signature, base_url);
        let typeset = tokio::task::spawn_blocking(move || prescription_pdf(&document)).await;
        let pdf: Arc<[u8]> = match typeset {
            Ok(Ok(pdf)) => pdf.into(),
            Ok(Err(error)) => {
                // A template's message may quote what it was given; its kind does not.
                tracing::error!(prescription = %id, error = ?std::mem::discriminant(&error), "cannot be typeset");
                return Err(Refusal::internal());
            }
            Err(_) => return Err(Refusal::internal()),
        };
        self.lock().put(id, pdf.clone());
        Ok(pdf)
    }

    fn kept(&self, id: PrescriptionId) -> Option<Arc<[u8]>> {
        self.lock().get(&id).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<PrescriptionId, Arc<[u8]>>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn printed(document: &SignedDocument, signature: &Signature, base_url: &str) -> PrescriptionDocument {
    let SignedDocument { facility, doctor, patient, .. } = document.clone();
    let medicines = document.medicines.iter().cloned().map(|medicine| Medicine {
        name: medicine.name,
        dose: medicine.dose,
        route: medicine.route,
        frequency: medicine.frequency,
        duration_days: medicine.duration_days,
        quantity: medicine.quantity.map(|quantity| quantity.to_string()),
        instructions: medicine.instructions,
    });
    let code = document.verification_code.to_string();
    PrescriptionDocument {
        facility: Facility { name: facility.name, address: String::new() },
        doctor: Doctor {
            name: doctor.display_name,
            licence_number: doctor.licence_number.unwrap_or_default(),
            specialty: doctor.specialty.unwrap_or_default(),
        },
        patient: Patient {
            name: format!("{} {}", patient.given_name, patient.family_name),
            birth_date: patient.birth_date,
            allergies: (!patient.allergies.is_empty()).then(|| patient.allergies.join(", ")),
        },
        issued_at: document.issued_at.to_zoned(facility.time_zone.rules().clone()),
        diagnosis: document.diagnosis.clone(),
        medicines: medicines.collect(),
        advice: document.advice.clone(),
        follow_up_on: document.follow_up_on,
        valid_until: Some(document.valid_until),
        verification: Verification {
            url: format!("{base_url}/api/v1/verify/{code}"),
            code,
            signature: fingerprint(signature),
        },
        language: document.language.clone(),
    }
}

/// `Ed25519 3f:9a:…`: enough of the signature to compare by eye.
fn fingerprint(signature: &Signature) -> String {
    let bytes: Vec<String> = signature.bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("Ed25519 {}", bytes.join(":"))
}
