//! How often one client may ask, and the headers that say so.

use std::{net::IpAddr, num::NonZeroU32};

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use consilium_kernel::{Principal, Refusal, RefusalKind};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};

use crate::config::RateLimits;

type Limiter = RateLimiter<
    String,
    governor::state::keyed::DefaultKeyedStateStore<String>,
    DefaultClock,
    StateInformationMiddleware,
>;

/// The limits of a server.
pub struct Limits {
    general: Option<Limiter>,
    auth: Option<Limiter>,
    behind_proxy: bool,
}

/// What an answer tells of the limit that applied.
#[derive(Debug, Clone, Copy)]
pub struct Remaining {
    policy: &'static str,
    quota: u32,
    remaining: u32,
}

const TOO_MANY: Refusal = Refusal::new(RefusalKind::TooMany, "rate_limited", "You ask too often. Please slow down.");

impl Limits {
    /// The limits of the settings.
    pub fn new(settings: &RateLimits, behind_proxy: bool) -> Self {
        let limiter = |per_minute: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
            let keyed: DefaultKeyedRateLimiter<String> = RateLimiter::keyed(quota);
            settings.enabled.then(|| keyed.with_middleware::<StateInformationMiddleware>())
        };
        Self { general: limiter(settings.requests_per_minute), auth: limiter(settings.auth_per_minute), behind_proxy }
    }

    /// Counts the request against the limit that applies to it. Calls below `/auth` count by address, since
    /// whoever guesses passwords has no account; others by account, or else by address.
    pub fn count(&self, request: &ServiceRequest, principal: &Principal) -> Result<Option<Remaining>, Refusal> {
        let address = || self.address(request).map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let (limiter, key, policy) = if request.path().contains("/auth/") {
            (&self.auth, address(), "auth")
        } else {
            let key = principal.user_id().map_or_else(address, |id| id.to_string());
            (&self.general, key, "default")
        };
        let Some(limiter) = limiter else { return Ok(None) };
        match limiter.check_key(&key) {
            Ok(state) => Ok(Some(Remaining {
                policy,
                quota: state.quota().burst_size().get(),
                remaining: state.remaining_burst_capacity(),
            })),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
                Err(Refusal { retry_after: Some(u32::try_from(wait).unwrap_or(60)), ..TOO_MANY })
            }
        }
    }

    /// Forgets clients that have not asked for a while.
    pub fn forget(&self) {
        for limiter in [&self.general, &self.auth].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    fn address(&self, request: &ServiceRequest) -> Option<IpAddr> {
        let forwarded = request.headers().get("X-Forwarded-For").filter(|_| self.behind_proxy);
        // The last address is the one that our own proxy saw; those before it anybody can write.
        let forwarded = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        forwarded.or_else(|| request.peer_addr().map(|address| address.ip()))
    }
}

impl Remaining {
    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
    pub fn write(self, headers: &mut HeaderMap) {
        let Self { policy, quota, remaining } = self;
        let pairs = [
            ("ratelimit-policy", format!("\"{policy}\";q={quota};w=60")),
            ("ratelimit", format!("\"{policy}\";r={remaining};t=60")),
        ];
        for (name, value) in pairs {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}
