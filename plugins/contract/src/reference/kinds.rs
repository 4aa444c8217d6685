//! What the types do not say: which calls a kind has, what repeating them does, and which errors
//! mean something to the host.

use super::{ErrorReference, Kind};
use crate::{
    HealthCheck, PluginError, analytics as an, assistant as a, blob as b, host as h, notification as n, payment as pay,
    pharmacy as p, subscriber as s, video as v, webhook as w,
};

const SAME_KEY: &str = "same key: same effect, same answer";
const READS: &str = "harmless";
const DOWN: ErrorReference = ("provider_unreachable", true, "the provider is down, slow or answers 5xx");
const LIMITED: ErrorReference = ("provider_rate_limited", true, "the provider wants fewer requests");
const DENIED: ErrorReference = ("provider_denied", false, "the provider refuses the credentials");

/// Every kind of this version.
#[must_use]
pub fn kinds() -> Vec<Kind> {
    vec![
        video(),
        pharmacy(),
        payment(),
        notification(),
        assistant(),
        analytics(),
        events(),
        webhook(),
        plugin(),
        host(),
    ]
}

fn video() -> Kind {
    Kind::of(v::CONTRACT, "Video provider", "trait `VideoProvider`", include_str!("about/video.md"))
        .call::<v::CreateRoom>(SAME_KEY)
        .call::<v::Join>("another access to the same room")
        .call::<v::EndRoom>("closing a closed room is fine")
        .optional::<v::Reconcile>(READS)
        .optional::<v::Recordings>(READS)
        .errors(&[
            DOWN,
            LIMITED,
            DENIED,
            ("room_unknown", false, "there is no such room, or it is gone; the platform makes another"),
            ("recording_unknown", false, "there is no such recording"),
        ])
}

fn pharmacy() -> Kind {
    Kind::of(p::CONTRACT, "Pharmacy gateway", "trait `PharmacyGateway`", include_str!("about/pharmacy.md"))
        .call::<p::Submit>(SAME_KEY)
        .call::<p::Status>(READS)
        .call::<p::Cancel>(SAME_KEY)
        .optional::<p::Search>(READS)
        .optional::<p::Reconcile>(READS)
        .errors(&[
            DOWN,
            LIMITED,
            DENIED,
            ("pharmacy_unknown", false, "there is no pharmacy with this `pharmacy_id`"),
            ("prescription_refused", false, "the pharmacy will not take this prescription"),
            ("already_dispensed", false, "too late to cancel"),
            ("reference_unknown", false, "the pharmacy knows no such prescription"),
        ])
}

fn payment() -> Kind {
    Kind::of(pay::CONTRACT, "Payment provider", "trait `PaymentProvider`", include_str!("about/payment.md"))
        .call::<pay::CreatePayment>(SAME_KEY)
        .call::<pay::Refund>(SAME_KEY)
        .call::<pay::Reconcile>(READS)
        .errors(&[
            DOWN,
            LIMITED,
            DENIED,
            ("amount_unsupported", false, "too little or too much for this provider"),
            ("currency_unsupported", false, "the provider does not take this currency"),
            ("payment_unknown", false, "there is no such payment"),
            ("refund_exceeds_payment", false, "more than is left of the payment"),
            ("not_refundable", false, "the payment was never made, or too long ago"),
        ])
}

fn notification() -> Kind {
    let interface = "trait `NotificationChannel`";
    Kind::of(n::CONTRACT, "Notification channel", interface, include_str!("about/notification.md"))
        .call::<n::Send>(SAME_KEY)
        .optional::<n::Reconcile>(READS)
        .errors(&[
            DOWN,
            LIMITED,
            DENIED,
            ("channel_unsupported", false, "this plugin does not carry messages over that channel"),
            ("address_invalid", false, "nothing will ever arrive there; the platform stops using the address"),
            ("unsubscribed", false, "the recipient wants nothing more; the platform stops using the address"),
            ("message_too_long", false, "more than the channel carries"),
        ])
}

fn assistant() -> Kind {
    Kind::of(a::CONTRACT, "Assistant", "trait `Assistant`", include_str!("about/assistant.md"))
        .call::<a::Triage>("another opinion, which may differ; paid again")
        .call::<a::Answer>("another answer, which may differ; paid again")
        .call::<a::Summarise>("another summary, which may differ; paid again")
        .errors(&[
            ("model_unavailable", true, "the model is down, slow or over its budget; rules take over"),
            LIMITED,
            DENIED,
            ("model_refused", false, "the model will not deal with this request"),
            ("language_unsupported", false, "the model does not speak the language asked for"),
            ("too_long", false, "more than the model reads"),
        ])
}

fn analytics() -> Kind {
    Kind::of(an::CONTRACT, "Analytics sink", "trait `AnalyticsSink`", include_str!("about/analytics.md"))
        .call::<an::OnEvents>("counted once: the writes and the host's cursor commit together")
        .call::<an::Report>(READS)
        .also::<an::ConsultationEnded>()
        .also::<an::ConsultationRated>()
        .errors(&[("range_too_long", false, "more than 366 days")])
}

fn events() -> Kind {
    Kind::of(s::CONTRACT, "Event subscriber", "trait `EventSubscriber`", include_str!("about/events.md"))
        .call::<s::OnEvents>("known by the events' ids")
        .errors(&[DOWN, LIMITED, DENIED])
}

fn webhook() -> Kind {
    Kind::of(w::CONTRACT, "Inbound webhooks", "trait `Webhooks`", include_str!("about/webhook.md"))
        .call::<w::Verify>(READS)
        .call::<w::Read>(READS)
        .errors(&[
            ("webhook_forged", false, "the signature is missing or wrong; the sender gets 401"),
            ("webhook_stale", false, "signed too long ago, or in the future; the sender gets 401"),
            ("webhook_malformed", false, "not what the provider documents; the sender gets 400"),
        ])
}

fn plugin() -> Kind {
    Kind::of("plugin", "Every plugin", "trait `Plugin`", include_str!("about/plugin.md"))
        .call::<HealthCheck>(READS)
        .also::<PluginError>()
        .errors(&[])
}

fn host() -> Kind {
    Kind::of("host", "Host services", "struct `Host`", include_str!("about/host.md"))
        .call::<h::HttpFetch>("as the method of the request has it")
        .call::<h::KvGet>(READS)
        .call::<h::KvPut>("`kv_conflict`, if a version is expected")
        .call::<h::KvList>(READS)
        .call::<h::KvDelete>("deleting a free key is fine")
        .call::<h::Clock>(READS)
        .call::<h::Secret>(READS)
        .call::<h::Log>("another line")
        .call::<h::Emit>("another event")
        .call::<b::BlobCreate>("another blob")
        .call::<b::BlobAppend>("`blob_offset`, as that is no longer where the blob ends")
        .call::<b::BlobFinish>("finishing a finished blob is fine")
        .call::<b::BlobStat>(READS)
        .call::<b::BlobRead>(READS)
        .call::<b::BlobDelete>("deleting one that is gone is fine")
        .call::<b::FetchToBlob>("as the method of the request has it; resumed with `resume`")
        .errors(&[
            ("egress_denied", false, "the host is not on the allow-list, at first or after a redirect"),
            ("address_denied", false, "the name resolves to a private address"),
            ("timeout", true, "no answer in time"),
            ("connection_failed", true, "no connection, or it broke"),
            ("answer_too_large", false, "more than may cross the border"),
            ("too_many_redirects", false, "the provider leads in circles"),
            ("secret_denied", false, "the manifest does not declare it, or for injection only"),
            ("secret_missing", false, "the operator has not configured it"),
            ("kv_denied", false, "the manifest asks for no store"),
            ("kv_conflict", true, "the expected version is gone; read again"),
            ("kv_quota", false, "the store is full"),
            ("kv_too_large", false, "key or value is too large"),
            ("emit_denied", false, "the manifest declares no such event"),
            ("emit_subject", false, "the subject is no id"),
            ("emit_too_large", false, "more than 64 KiB of data"),
            ("emit_busy", true, "too many events at once"),
            ("emit_unavailable", true, "the event could not be written"),
            ("blob_denied", false, "the manifest asks for no blobs"),
            ("blob_unknown", false, "there is no such blob"),
            ("blob_offset", false, "the blob does not end where the chunk begins"),
            ("blob_finished", false, "the blob is finished already"),
            ("blob_quota", false, "all blobs together would be larger than the quota"),
            ("blob_too_large", false, "the chunk is larger than 1 MiB"),
            ("blob_unavailable", true, "the blob cannot be reached"),
            ("cancelled", true, "nobody waits for the call any more"),
        ])
}
