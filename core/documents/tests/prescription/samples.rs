//! Prescriptions in the languages that the built-in template speaks, with names and advice as
//! people write them.

use consilium_documents::{Doctor, Facility, Medicine, Patient, PrescriptionDocument, Verification};
use jiff::civil::date;

/// Mixed text: Bangla and Latin in one document, every field given.
pub fn bangla() -> PrescriptionDocument {
    PrescriptionDocument {
        facility: Facility {
            name: "শাপলা জেনারেল হাসপাতাল".into(),
            address: "১২ মিরপুর রোড, ধানমন্ডি, ঢাকা ১২০৫\nফোন: ০২-৫৫১২৩৪৫৬".into(),
        },
        doctor: Doctor {
            name: "ডা. শ্রীমতী কৃষ্ণা চট্টোপাধ্যায়".into(),
            licence_number: "BMDC A-48213".into(),
            specialty: "হৃদরোগ বিশেষজ্ঞ".into(),
        },
        patient: Patient {
            name: "মোছাঃ রাবেয়া খাতুন".into(),
            birth_date: Some(date(1978, 11, 22)),
            allergies: Some("পেনিসিলিন, চিংড়ি".into()),
        },
        issued_at: "2026-11-21T14:05:09+06:00[Asia/Dhaka]".parse().unwrap(),
        diagnosis: "উচ্চ রক্তচাপ (I10), টাইপ ২ ডায়াবেটিস".into(),
        medicines: vec![
            medicine("Amlodipine 5 mg", "১টি ট্যাবলেট", "মুখে", "সকালে ১ বার", 30, Some("30 tablets"), None),
            medicine("মেটফরমিন ৫০০ মি.গ্রা.", "১টি ট্যাবলেট", "মুখে", "দিনে ২ বার (১+০+১)", 30, Some("৬০টি"), Some("খাবারের পরে। বমি ভাব হলে জানাবেন।")),
            medicine("Insulin glargine 100 U/mL", "10 U", "ত্বকের নিচে", "রাতে ঘুমানোর আগে", 30, Some("2 pens"), Some("ফ্রিজে রাখুন; জমতে দেবেন না।")),
        ],
        advice: Some("লবণ কম খাবেন, প্রতিদিন ৩০ মিনিট হাঁটবেন।\nরক্তচাপ ১৬০/১০০-এর বেশি হলে সঙ্গে সঙ্গে যোগাযোগ করুন।\nBP ≤ 130/80 mmHg লক্ষ্য।".into()),
        follow_up_on: Some(date(2026, 12, 20)),
        valid_until: Some(date(2027, 1, 20)),
        verification: verification("CSL-7F3K-92QD"),
        language: "bn-BD".into(),
    }
}

/// Right to left, with Latin medicine names and doses inside.
pub fn arabic() -> PrescriptionDocument {
    PrescriptionDocument {
        facility: Facility {
            name: "مستشفى النور التخصصي".into(),
            address: "شارع الملك فهد ١٢، الرياض\nهاتف: 011 555 0100".into(),
        },
        doctor: Doctor {
            name: "د. عبد الرحمن الخوارزمي".into(),
            licence_number: "SCFHS-20-R-0991".into(),
            specialty: "طب الأطفال".into(),
        },
        patient: Patient {
            name: "فاطمة الزهراء بنت محمد".into(), birth_date: Some(date(2025, 9, 2)), allergies: None
        },
        issued_at: "2026-11-21T11:05:00+03:00[Asia/Riyadh]".parse().unwrap(),
        diagnosis: "التهاب الأذن الوسطى الحاد".into(),
        medicines: vec![
            medicine(
                "Amoxicillin 250 mg/5 mL شراب",
                "5 mL",
                "بالفم",
                "كل 8 ساعات",
                7,
                Some("1 × 100 mL"),
                Some("يُرجّ جيدًا قبل الاستعمال"),
            ),
            medicine("باراسيتامول 120 mg/5 mL", "4 mL", "بالفم", "عند اللزوم، ٤ مرات يوميًا كحد أقصى", 3, None, None),
        ],
        advice: Some("أكملي المضاد الحيوي حتى النهاية.\nراجعي الطوارئ إذا تجاوزت الحرارة 39.5 °C.".into()),
        follow_up_on: None,
        valid_until: Some(date(2026, 12, 5)),
        verification: verification("CSL-1AB2-C3D4"),
        language: "ar".into(),
    }
}

/// Latin with diacritics of several languages.
pub fn latin() -> PrescriptionDocument {
    PrescriptionDocument {
        facility: Facility {
            name: "Hôpital Saint-Éloi · Clinique Łódź".into(),
            address: "14, rue de l’Église, 34000 Montpellier\nTél. +33 4 00 00 00 00".into(),
        },
        doctor: Doctor {
            name: "Dr Zoë Šimůnková-Nguyễn".into(),
            licence_number: "RPPS 10003456789".into(),
            specialty: "Internal medicine".into(),
        },
        patient: Patient {
            name: "Þórdís Ångström Ğüneş".into(),
            birth_date: Some(date(1992, 2, 29)),
            allergies: Some("Sulfonamides (rash, 2019)".into()),
        },
        issued_at: "2026-11-21T09:30:00+01:00[Europe/Paris]".parse().unwrap(),
        diagnosis: "Community-acquired pneumonia, mild (J18.9)".into(),
        medicines: vec![
            medicine("Amoxicillin 1 g", "1 tablet", "oral", "3 times daily", 7, Some("21 tablets"), Some("Take with food. Finish the course even when you feel well.")),
            medicine("Paracetamol 500 mg", "1–2 tablets", "oral", "every 6 h as needed", 5, Some("30 tablets"), Some("≤ 4 g in 24 hours")),
            medicine("Hydrochlorothiazide 12.5 mg", "½ tablet", "oral", "every morning", 30, Some("15 tablets"), None),
            medicine("Salbutamol 100 µg/puff", "2 puffs", "inhaled", "when short of breath", 1, Some("1 inhaler"), None),
        ],
        advice: Some("Rest, drink plenty of water.\nSeek help at once if breathing becomes difficult, lips turn blue, or fever stays above 39 °C after 48 hours.".into()),
        follow_up_on: Some(date(2026, 11, 28)),
        valid_until: Some(date(2026, 12, 21)),
        verification: verification("CSL-9XYZ-42AB"),
        language: "en".into(),
    }
}

/// So many medicines that the table breaks over pages.
pub fn several_pages(medicines: usize) -> PrescriptionDocument {
    let medicines = (1..=medicines)
        .map(|n| {
            medicine(&format!("Medicine-{n:03} 10 mg"), "1 tablet", "oral", "twice daily", 5, None, Some("with water"))
        })
        .collect();
    PrescriptionDocument { medicines, ..latin() }
}

pub fn medicine(
    name: &str,
    dose: &str,
    route: &str,
    frequency: &str,
    duration_days: u32,
    quantity: Option<&str>,
    instructions: Option<&str>,
) -> Medicine {
    Medicine {
        name: name.into(),
        dose: dose.into(),
        route: route.into(),
        frequency: frequency.into(),
        duration_days,
        quantity: quantity.map(Into::into),
        instructions: instructions.map(Into::into),
    }
}

fn verification(code: &str) -> Verification {
    Verification {
        code: code.into(),
        url: format!("https://consilium.example.org/api/v1/verify/{code}"),
        signature: "Ed25519 3f:9a:1c:77:e2:08:b4:5d:90:11:ce:f6".into(),
    }
}
