//! `payment/1`: a visit is to be paid, and the money given back.

use super::{Effect, Sample, first_taken, id, in_hours, refused_as};
use crate::session::{Session, Trouble};
use consilium_plugin_host::contract::{
    Call, Outcome, Reconciled,
    payment::{CreatePayment, Payment, PaymentState, Reconcile, Refund, Refunded, Settlement},
};
use serde_json::{Value, json};

/// One of them every provider takes.
const CURRENCIES: [&str; 3] = ["BDT", "EUR", "USD"];

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<CreatePayment>(payment("sample", 0, "BDT", "2099-01-01T00:00:00Z")),
        Sample::of::<Refund>(refund("sample-back", "reference-1", "BDT")),
        Sample::of::<Reconcile>(json!({"idempotency_key": "sample"})),
    ]
}

pub(super) async fn samples_of_made(session: &Session, number: u64) -> Result<Vec<Sample>, Trouble> {
    let (made, currency) = create(session, number).await?;
    Ok(vec![Sample::of::<Refund>(refund(&format!("back-{number}"), &made.reference, currency))])
}

fn payment(key: &str, number: u64, currency: &str, expires_at: &str) -> Value {
    json!({
        "idempotency_key": key, "payment_id": id(6, number), "description": "Visit on 20 November", "language": "en",
        "amount": {"amount_minor": 150_000, "currency": currency}, "expires_at": expires_at,
        "payer": {"name": "Ada Rahman", "email": "ada@example.org", "phone": "+8801700000000"},
        "return_url": format!("https://clinic.example.org/payments/{}", id(6, number)),
    })
}

/// Half of it.
fn refund(key: &str, reference: &str, currency: &str) -> Value {
    let amount = json!({"amount_minor": 75_000, "currency": currency});
    json!({"idempotency_key": key, "reference": reference, "amount": amount, "reason": "cancelled by the doctor"})
}

/// Asks for money in the first currency that the provider takes.
async fn create(session: &Session, number: u64) -> Result<(Payment, &'static str), Trouble> {
    let until = in_hours(session, 1);
    let ask = |currency: &str| payment(&format!("pay-{number}"), number, currency, &until.to_string());
    let (made, currency) = first_taken::<CreatePayment>(session, &CURRENCIES, "currency_unsupported", ask).await?;
    let wrong = |what: &str| Err(Trouble::new(CreatePayment::METHOD, what));
    if made.reference.is_empty() {
        return wrong("the reference is empty: nobody could ask again with it");
    }
    if made.status == PaymentState::Pending && made.checkout_url.is_none() && made.client_token.is_none() {
        return wrong("there is neither checkout_url nor client_token: nobody could pay");
    }
    if made.checkout_url.as_ref().is_some_and(|url| !url.expose().starts_with("https://")) {
        return wrong("checkout_url is no address of a page, or one without TLS");
    }
    Ok((made, currency))
}

/// Gives half of it back; none where the provider wants to be paid first.
async fn give_back(
    session: &Session,
    number: u64,
    made: &Payment,
    currency: &str,
) -> Result<Option<Refunded>, Trouble> {
    let refunded = match session.ask::<Refund>(refund(&format!("back-{number}"), &made.reference, currency)).await {
        Err(trouble) if refused_as(&trouble, "not_refundable") => return Ok(None),
        other => other?,
    };
    let wrong = |what: &str| Err(Trouble::new(Refund::METHOD, what));
    if refunded.reference != made.reference || refunded.refund.is_empty() {
        return wrong("the answer is about another payment, or the refund has no name");
    }
    if refunded.amount.amount_minor != 75_000 || refunded.amount.currency != currency {
        return wrong("another amount was given back than was asked");
    }
    Ok(Some(refunded))
}

async fn outcome(session: &Session, key: &str) -> Result<Outcome<Settlement>, Trouble> {
    let answer: Reconciled<Settlement> = session.ask::<Reconcile>(json!({"idempotency_key": key})).await?;
    Ok(answer.outcome)
}

pub(super) async fn effects(session: &Session, number: u64) -> Result<Vec<Effect>, Trouble> {
    let (made, currency) = create(session, number).await?;
    let refunded = give_back(session, number, &made, currency).await?;
    let effect = |method, left: String| Effect { method, left: json!(left), distinct: true };
    let refunded = refunded.map(|refunded| effect(Refund::METHOD, refunded.refund));
    Ok([effect(CreatePayment::METHOD, made.reference)].into_iter().chain(refunded).collect())
}

pub(super) async fn story(session: &Session, number: u64) -> Result<String, Trouble> {
    let (made, currency) = create(session, number).await?;
    let wrong = |what: &str| Err(Trouble::new(Reconcile::METHOD, what));
    match outcome(session, &format!("pay-{number}")).await? {
        Outcome::Done(Settlement::Payment(known)) if known.reference == made.reference => {}
        Outcome::Done(_) => return wrong("it is another payment than was made"),
        Outcome::NotDone | Outcome::Unknown => return wrong("a payment that was made is not known"),
    }
    if let Some(refunded) = give_back(session, number, &made, currency).await? {
        match outcome(session, &format!("back-{number}")).await? {
            Outcome::Done(Settlement::Refund(known)) if known.refund == refunded.refund => {}
            Outcome::Done(_) => return wrong("it is another refund than was made"),
            Outcome::NotDone | Outcome::Unknown => return wrong("a refund that was made is not known"),
        }
    }
    if let Outcome::Done(_) = outcome(session, &format!("never-used-{number}")).await? {
        return wrong("a key that was never used is said to have moved money");
    }
    Ok(made.reference)
}
